"""`sse-nmt compare`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import assignments, command


def add(commands: Any) -> None:
    parser = command(commands, "compare", _compare, "a table of evaluated runs against a baseline")
    parser.add_argument(
        "runs",
        metavar="NAME=RUN",
        nargs="+",
        help="a system's name and a run of it; the same name again is another seed",
    )
    parser.add_argument("--baseline", metavar="NAME", help="what the others are compared with (default: the first)")
    parser.add_argument("--split", choices=["test", "valid"], default="test", help="the text scored (default: test)")
    parser.add_argument(
        "--output", metavar="DIR", type=Path, help="write Markdown, JSON, HTML and a picture there as well"
    )


def _compare(options: argparse.Namespace) -> None:
    from sse_nmt.evaluation.comparison import compare
    from sse_nmt.evaluation.report import as_markdown, write_report

    runs = [(name, Path(run)) for name, run in assignments(options.runs, "NAME=RUN")]
    comparison = compare(runs, options.split, options.baseline)
    written = write_report(comparison, options.output) if options.output is not None else []
    print(as_markdown(comparison))
    for path in written:
        print(path)
