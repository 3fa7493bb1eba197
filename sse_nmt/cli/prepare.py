"""`sse-nmt prepare`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import command, option, take
from sse_nmt.corpora.options import CORPORA, PrepareOptions


def add(commands: Any) -> None:
    parser = command(commands, "prepare", _prepare, "fetch, clean, split, segment and binarise a corpus")
    default = PrepareOptions(corpus="")
    parser.add_argument("corpus", metavar="CORPUS", help=f"one of {', '.join(CORPORA)}")
    parser.add_argument("destination", metavar="DIR", type=Path, help="the folder to fill")
    parser.add_argument("--source", metavar="FILE", help="files: the source text, one sentence a line")
    parser.add_argument("--target", metavar="FILE", help="files: the target text")
    parser.add_argument(
        "--from", dest="folder", metavar="DIR", help="multi30k: take local files instead of downloading"
    )
    parser.add_argument("--mirror", metavar="URL", default=default.mirror, help="multi30k: where to download from")
    option(parser, default, "source_lang", "language of the source side", metavar="LANG")
    option(parser, default, "target_lang", "language of the target side", metavar="LANG")
    option(parser, default, "pairs", "training pairs (default: all)", int)
    option(parser, default, "valid", "validation pairs to set apart, where the corpus has no split of its own", int)
    option(parser, default, "test", "test pairs to set apart, likewise", int)
    option(parser, default, "pieces", "size of the joint SentencePiece model", int)
    option(parser, default, "min_length", "least pieces of a training sentence", int)
    option(parser, default, "max_length", "most pieces of a training sentence", int)
    option(
        parser,
        default,
        "max_ratio",
        "most pieces of the longer side of a training pair per piece of the shorter",
        float,
    )
    option(parser, default, "seed", "seed of the split and of the choice of training pairs", int)


def _prepare(options: argparse.Namespace) -> None:
    from sse_nmt.corpora.prepare import prepare

    prepare(take(PrepareOptions, options), options.destination)
