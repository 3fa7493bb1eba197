"""`sse-nmt newstest`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import add_options, command, from_namespace
from sse_nmt.evaluation.options import NewstestOptions


def add(commands: Any, text: str) -> None:
    examples = ["sse-nmt newstest runs/baseline runs/sse_se --checkpoint checkpoint_average.pt"]
    parser = command(commands, "newstest", _newstest, text, examples)
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="a run folder")
    add_options(parser, NewstestOptions)


def _newstest(options: argparse.Namespace) -> None:
    from sse_nmt.evaluation.newstest import evaluate_newstest

    for run in options.runs:
        result = evaluate_newstest(run, from_namespace(NewstestOptions, options))
        print(f"{run}: {result['sentences']:,} sentences at {result['sentences_per_second']:.1f} a second")
        for name, entry in result["sets"].items():
            scores = "  ".join(f"{metric} {value['score']:6.2f}" for metric, value in entry["scores"].items())
            print(f"  {name:<10} {entry['sentences']:>5,} sentences  {scores}")
