"""`sse-nmt prepare`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import add_options, command
from sse_nmt.corpora.options import PrepareOptions


def add(commands: Any, text: str) -> None:
    from sse_nmt.corpora.catalogue import CORPORA

    examples = [
        "sse-nmt prepare libreoffice-help data --target-lang eu --vocab-size 3000",
        "sse-nmt prepare files data --source text.en --target text.de",
    ]
    parser = command(commands, "prepare", _prepare, text, examples)
    listed = "; ".join(f"{name}, {corpus.about}" for name, corpus in CORPORA.items())
    parser.add_argument("corpus", metavar="CORPUS", help=listed)
    parser.add_argument("destination", metavar="DIR", type=Path, help="the folder to fill")
    add_options(parser, PrepareOptions, only_if_given=True)  # the other defaults are those of the corpus


def _prepare(options: argparse.Namespace) -> None:
    from sse_nmt.corpora.catalogue import options_for
    from sse_nmt.corpora.prepare import prepare

    given = {name: value for name, value in vars(options).items() if name not in ("call", "corpus", "destination")}
    prepare(options_for(options.corpus, given), options.destination)
