"""`python -m sse_nmt.corpora.pipeline.fairseq_preprocess`: fairseq-preprocess, with our quick way from pieces to ids.

Its worker processes would wait for ever where it is killed: they end with it.
"""

from __future__ import annotations

import os

from sse_nmt.system.child_processes import end_with_parent


def main() -> None:
    here = os.getpid()
    os.register_at_fork(after_in_child=lambda: end_with_parent(here))
    from fairseq.binarizer import FileBinarizer
    from fairseq_cli.preprocess import cli_main

    from sse_nmt.corpora.pipeline.encode import encode_file

    FileBinarizer.multiprocess_dataset = encode_file
    cli_main()


if __name__ == "__main__":
    main()
