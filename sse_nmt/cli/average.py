"""`sse-nmt average`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import add_options, command, from_namespace
from sse_nmt.runs.options import AverageOptions


def add(commands: Any, text: str) -> None:
    examples = ["sse-nmt average runs/sse_se --last 5"]
    parser = command(commands, "average", _average, text, examples)
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    add_options(parser, AverageOptions)


def _average(options: argparse.Namespace) -> None:
    from sse_nmt.runs.average import average_checkpoints

    print(average_checkpoints(options.run, from_namespace(AverageOptions, options)))
