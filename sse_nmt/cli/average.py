"""`sse-nmt average`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import command, option, take
from sse_nmt.training.options import AverageOptions


def add(commands: Any) -> None:
    parser = command(commands, "average", _average, "average the parameters of a run's last checkpoints")
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    option(parser, AverageOptions(), "last", "how many of the checkpoints saved every so many updates", int)
    option(parser, AverageOptions(), "output", "the name of the average, beside them", metavar="NAME")


def _average(options: argparse.Namespace) -> None:
    from sse_nmt.training.average import average_checkpoints

    print(average_checkpoints(options.run, take(AverageOptions, options)))
