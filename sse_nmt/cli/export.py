"""`sse-nmt export`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import command


def add(commands: Any) -> None:
    parser = command(commands, "export", _export, "write a checkpoint for fairseq's plain translation task")
    parser.add_argument(
        "checkpoint", metavar="CHECKPOINT", type=Path, help="a checkpoint, or a run folder for its best"
    )
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="the checkpoint to write")
    parser.add_argument("--multiply-out", action="store_true", help="turn factorised layers into plain ones")


def _export(options: argparse.Namespace) -> None:
    from sse_nmt.evaluation.plain_checkpoint import export
    from sse_nmt.progress import say

    checkpoint = options.checkpoint
    if checkpoint.is_dir():
        checkpoint = checkpoint / "checkpoints" / "checkpoint_best.pt"
    layers = export(checkpoint, options.output, options.multiply_out)
    if layers:
        say(f"{layers} factorised layers were multiplied out.")
    print(options.output)
