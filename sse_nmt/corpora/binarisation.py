"""fairseq-preprocess: from pieces to the binary data that fairseq trains on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sse_nmt.atomic_files import whole_folder
from sse_nmt.errors import UserError


def binarise(pieces: Path, destination: Path, source_lang: str, target_lang: str) -> None:
    """Binarise ``pieces/{train,valid,test}.<lang>`` into ``destination``, with one dictionary for both languages."""
    with whole_folder(destination) as part:
        command = [sys.executable, "-m", "fairseq_cli.preprocess", "--joined-dictionary", "--destdir", str(part)]
        command += ["--source-lang", source_lang, "--target-lang", target_lang]
        for split in ("train", "valid", "test"):
            command += [f"--{split}pref", str(pieces / split)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise UserError(f"fairseq-preprocess failed: {_last_line(done.stderr)}")


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
