"""`sse-nmt train`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import assignments, command, option, take
from sse_nmt.training.options import TrainOptions


def add(commands: Any) -> None:
    parser = command(commands, "train", _train, "train systems on prepared data, each in its run folder")
    default = TrainOptions()
    parser.add_argument("data", metavar="DIR", type=Path, help="a folder that `sse-nmt prepare` filled")
    parser.add_argument(
        "systems", metavar="CONFIG=RUN", nargs="+", help="a YAML for fairseq-hydra-train, and the run folder"
    )
    option(parser, default, "seed", "seed (default: the configuration's)", int)
    option(parser, default, "updates", "length of the training (default: the configuration's)", int)
    option(parser, default, "jobs", "trainings at a time (default: as many as cores on CPU, one on GPU)", int)
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="change a value of the configuration",
    )
    parser.add_argument("--overwrite", action="store_true", help="discard what the run folders hold")


def _train(options: argparse.Namespace) -> None:
    from sse_nmt.training.train import train

    systems = [(Path(config), Path(run)) for config, run in assignments(options.systems, "CONFIG=RUN")]
    train(options.data, systems, take(TrainOptions, options))
