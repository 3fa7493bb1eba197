"""`sse-nmt export`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import command


def add(commands: Any, text: str) -> None:
    examples = ["sse-nmt export runs/low_rank plain.pt --merge-factors"]
    parser = command(commands, "export", _export, text, examples)
    parser.add_argument(
        "checkpoint", metavar="CHECKPOINT", type=Path, help="a checkpoint, or a run folder for its best one"
    )
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="the checkpoint to write")
    parser.add_argument(
        "--merge-factors", action="store_true", help="turn factorised layers into plain ones (default: off)"
    )


def _export(options: argparse.Namespace) -> None:
    from sse_nmt.runs.plain_checkpoint import export
    from sse_nmt.system.progress import log_line

    layers = export(options.checkpoint, options.output, options.merge_factors)
    if layers:
        log_line(f"The factors of {layers} layers were merged.")
    print(options.output)
