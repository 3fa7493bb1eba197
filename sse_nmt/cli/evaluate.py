"""`sse-nmt evaluate`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import command, take
from sse_nmt.cli.search import add_search_options, add_tokenize_option
from sse_nmt.errors import UserError
from sse_nmt.evaluation.options import SearchOptions


def add(commands: Any) -> None:
    parser = command(commands, "evaluate", _evaluate, "score a run on its test text, or a file against a reference")
    parser.add_argument("target", metavar="RUN", nargs="?", type=Path, help="a run folder")
    parser.add_argument(
        "--split", choices=["test", "valid"], default="test", help="which text of its data (default: test)"
    )
    parser.add_argument("--hypotheses", metavar="FILE", type=Path, help="instead of RUN: detokenised translations")
    parser.add_argument(
        "--reference", metavar="FILE", type=Path, help="with --hypotheses: what they are scored against"
    )
    parser.add_argument(
        "--target-lang", metavar="LANG", help="with --hypotheses: their language, for its tokeniser (default: none)"
    )
    add_tokenize_option(parser)
    add_search_options(parser)


def _evaluate(options: argparse.Namespace) -> None:
    from sse_nmt.evaluation.evaluate import evaluate_files, evaluate_run

    files = (options.hypotheses, options.reference)
    if options.target is not None and files == (None, None):
        result = evaluate_run(options.target, options.split, take(SearchOptions, options), options.tokenize)
    elif options.target is None and None not in files:
        result = evaluate_files(*files, options.target_lang, options.tokenize)
    else:
        raise UserError("`sse-nmt evaluate` needs either RUN or both `--hypotheses` and `--reference`.")
    print(json.dumps(result, indent=2, ensure_ascii=False))
