"""`sse-nmt compare`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import add_options, assignments, command, from_namespace
from sse_nmt.evaluation.options import CompareOptions
from sse_nmt.system.errors import UserError
from sse_nmt.system.options import check_options


def add(commands: Any, text: str) -> None:
    examples = [
        "sse-nmt compare runs/baseline runs/sse_se --output comparison",
        "sse-nmt compare baseline=runs/b1 baseline=runs/b2 sse=runs/s1 sse=runs/s2",
    ]
    parser = command(commands, "compare", _compare, text, examples)
    parser.add_argument(
        "runs",
        metavar="[NAME=]RUN",
        nargs="+",
        help="a run and its system's name (default: that of its configuration); the same name again is another seed",
    )
    add_options(parser, CompareOptions)


def _compare(arguments: argparse.Namespace) -> None:
    from sse_nmt.evaluation.comparison import compare
    from sse_nmt.evaluation.report import as_markdown, write_report
    from sse_nmt.evaluation.suites import Newstest, OneText

    options = from_namespace(CompareOptions, arguments)
    check_options(options)
    if options.published_scores and not options.newstest:
        raise UserError("`--published-scores` quotes scores of newstest2008-2018 and needs `--newstest`.")
    suite = Newstest() if options.newstest else OneText(options.split)
    comparison = compare([_named(word) for word in arguments.runs], suite, options.baseline, options.tokenize)
    written = [] if options.output is None else write_report(comparison, options.output, options.published_scores)
    print(as_markdown(comparison, options.published_scores))
    for path in written:
        print(path)


def _named(word: str) -> tuple[str, Path]:
    """NAME=RUN as given, or RUN with the name of its system."""
    from sse_nmt.runs.run_folder import RunFolder

    if "=" not in word or Path(word).is_dir():  # a folder's own name may have one
        return RunFolder(Path(word)).system, Path(word)
    ((name, run),) = assignments([word], "NAME=RUN")
    return name, Path(run)
