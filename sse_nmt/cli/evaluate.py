"""`sse-nmt evaluate`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection
from dataclasses import fields
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import add_options, command, from_namespace
from sse_nmt.evaluation.options import EvaluateOptions
from sse_nmt.system.errors import UserError
from sse_nmt.system.options import flag_of
from sse_nmt.translation.options import SearchOptions


def add(commands: Any, text: str) -> None:
    examples = [
        "sse-nmt evaluate runs/sse_se",
        "sse-nmt evaluate --hypotheses translated.de --reference reference.de --target-lang de",
    ]
    parser = command(commands, "evaluate", _evaluate, text, examples)
    parser.add_argument("target", metavar="RUN", nargs="?", type=Path, help="a run folder")
    add_options(parser, EvaluateOptions)


_OF_FILES = {"target_lang"}
_OF_RUNS = {"split", "text", "checkpoint", *(each.name for each in fields(SearchOptions))}


def _check_heeded(options: EvaluateOptions, unheeded: Collection[str], whose: str) -> None:
    """Raise UserError for an option that would be given in vain."""
    for each in fields(options):
        if each.name in unheeded and getattr(options, each.name) != each.default:
            raise UserError(f"`{flag_of(each.name, each.metadata)}` is {whose}.")


def _evaluate(arguments: argparse.Namespace) -> None:
    from sse_nmt.evaluation.evaluate import evaluate_files, evaluate_run

    options = from_namespace(EvaluateOptions, arguments)
    files = (options.hypotheses, options.reference)
    if arguments.target is not None and files == (None, None):
        _check_heeded(options, _OF_FILES, "for `--hypotheses`, not for a run")
        if options.text is not None:
            _check_heeded(options, {"split"}, "for a run's own text, not for `--text`")
        result = evaluate_run(arguments.target, options)
    elif arguments.target is None and None not in files:
        _check_heeded(options, _OF_RUNS, "for a run, not for `--hypotheses`")
        result = evaluate_files(*files, options.target_lang, options.tokenize)
    else:
        raise UserError("`sse-nmt evaluate` needs either RUN or both `--hypotheses` and `--reference`.")
    print(json.dumps(result, indent=2, ensure_ascii=False))
