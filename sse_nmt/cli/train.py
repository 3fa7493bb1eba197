"""`sse-nmt train`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import add_options, assignments, command, from_namespace
from sse_nmt.training.options import TrainOptions


def add(commands: Any, text: str) -> None:
    examples = [
        "sse-nmt train data configs/quickstart/baseline.yaml=runs/baseline configs/quickstart/sse_se.yaml=runs/sse_se",
        "sse-nmt train data configs/quickstart/sse_se.yaml=runs/more_sse --seed 2 --set task.sse_prob=0.02",
    ]
    parser = command(commands, "train", _train, text, examples)
    parser.add_argument("data", metavar="DIR", type=Path, help="a folder that `sse-nmt prepare` filled")
    parser.add_argument(
        "systems", metavar="CONFIG=RUN", nargs="+", help="a YAML for fairseq-hydra-train, and the run folder to fill"
    )
    add_options(parser, TrainOptions)
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="change a value of the configuration; may be given several times (default: no change)",
    )


def _train(options: argparse.Namespace) -> None:
    from sse_nmt.training.train import train

    systems = [(Path(config), Path(run)) for config, run in assignments(options.systems, "CONFIG=RUN")]
    train(options.data, systems, from_namespace(TrainOptions, options))
