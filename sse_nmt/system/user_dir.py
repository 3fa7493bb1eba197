"""Where this package is: what fairseq's ``--user-dir`` is to be told."""

from pathlib import Path

USER_DIR = str(Path(__file__).absolute().parent.parent)
