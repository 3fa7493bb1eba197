"""`sse-nmt compare`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import assignments, command
from sse_nmt.cli.search import add_tokenize_option
from sse_nmt.errors import UserError


def add(commands: Any) -> None:
    parser = command(commands, "compare", _compare, "a table of evaluated runs against a baseline")
    parser.add_argument(
        "runs",
        metavar="[NAME=]RUN",
        nargs="+",
        help="a run and its system's name (that of its configuration); the same name again is another seed",
    )
    parser.add_argument("--baseline", metavar="NAME", help="what the others are compared with (default: the first)")
    parser.add_argument("--split", choices=["test", "valid"], default="test", help="the text scored (default: test)")
    add_tokenize_option(parser)
    parser.add_argument("--newstest", action="store_true", help="newstest2008-2018 instead, from `sse-nmt newstest`")
    parser.add_argument("--paper", action="store_true", help="with --newstest: quote the paper's rows below the table")
    parser.add_argument(
        "--output", metavar="DIR", type=Path, help="write Markdown, JSON, HTML and a picture there as well"
    )


def _compare(options: argparse.Namespace) -> None:
    runs = [_named(word) for word in options.runs]
    if options.paper and not options.newstest:
        raise UserError("`--paper` quotes scores of newstest2008-2018 and needs `--newstest`.")
    table, written = (_newstest if options.newstest else _one_text)(runs, options)
    print(table)
    for path in written:
        print(path)


def _named(word: str) -> tuple[str, Path]:
    """NAME=RUN as given, or RUN with the name of its system."""
    from sse_nmt.training.run_folder import RunFolder

    if "=" not in word:
        return RunFolder(Path(word)).system, Path(word)
    ((name, run),) = assignments([word], "NAME=RUN")
    return name, Path(run)


def _one_text(runs: list[tuple[str, Path]], options: argparse.Namespace) -> tuple[str, list[Path]]:
    from sse_nmt.evaluation.comparison import compare
    from sse_nmt.evaluation.report import as_markdown, write_report

    comparison = compare(runs, options.split, options.baseline, options.tokenize)
    written = write_report(comparison, options.output) if options.output is not None else []
    return as_markdown(comparison), written


def _newstest(runs: list[tuple[str, Path]], options: argparse.Namespace) -> tuple[str, list[Path]]:
    from sse_nmt.evaluation.newstest_comparison import compare_newstest
    from sse_nmt.evaluation.newstest_report import newstest_markdown, write_newstest_report

    comparison = compare_newstest(runs, options.baseline)
    written = write_newstest_report(comparison, options.output, options.paper) if options.output is not None else []
    return newstest_markdown(comparison, options.paper), written
