"""`python -m sse_nmt.cli.several '[["train", …], ["evaluate", …]]'`: commands, one after the other, in one process.

What importing costs is paid for once. The first that fails ends them, with its status. While they run the log, standard
output, is locked: others that were to do the same end with `UNDER_WAY`, and leave no word in it.
"""

from __future__ import annotations

import json
import sys

from sse_nmt.cli import main
from sse_nmt.system.locks import UNDER_WAY, locked


def run(commands: list[list[str]]) -> None:
    """Say each command before it begins, as `sse_nmt.studies.work.why_failed` looks for it."""
    for words in commands:
        print(f"$ sse-nmt {' '.join(words)}", flush=True)
        main(words)


if __name__ == "__main__":
    if not locked(sys.stdout.fileno()):  # children inherit it
        sys.exit(UNDER_WAY)
    run(json.loads(sys.argv[1]))
