"""`sse-nmt prepare`."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from sse_nmt.cli.arguments import command
from sse_nmt.corpora.options import CORPORA, WMT14, BulkOptions, PrepareOptions
from sse_nmt.errors import UserError


def add(commands: Any) -> None:
    parser = command(commands, "prepare", _prepare, "fetch, clean, split, segment and binarise a corpus")
    parser.add_argument("corpus", metavar="CORPUS", help=f"one of {', '.join(CORPORA)}")
    parser.add_argument("destination", metavar="DIR", type=Path, help="the folder to fill")
    _option(parser, "source", "files: the source text, one sentence a line", metavar="FILE")
    _option(parser, "target", "files: the target text", metavar="FILE")
    _option(parser, "valid_source", "files: validation text of your own, not set apart from the text", metavar="FILE")
    _option(parser, "valid_target", "files: its other side", metavar="FILE")
    _option(parser, "test_source", "files: test text of your own, kept as it is", metavar="FILE")
    _option(parser, "test_target", "files: its other side", metavar="FILE")
    _option(parser, "folder", "multi30k: take local files instead of downloading", metavar="DIR", flag="--from")
    _option(parser, "mirror", f"multi30k, {WMT14}: where to download from", metavar="URL")
    _option(parser, "source_lang", "language of the source side", metavar="LANG")
    _option(parser, "target_lang", "language of the target side", metavar="LANG")
    _option(parser, "pairs", "training pairs, where not all are taken", int)
    _option(parser, "valid", "validation pairs to set apart, where the corpus has no split of its own", int)
    _option(parser, "test", "test pairs to set apart, likewise", int)
    _option(
        parser, "pieces", "size of the joint SentencePiece model; what a small text cannot have is fitted to it", int
    )
    _option(parser, "sample", f"{WMT14}: pairs that this model is trained on", int)
    _option(parser, "min_length", "least pieces of a training sentence", int)
    _option(parser, "max_length", "most pieces of a training sentence", int)
    _option(
        parser,
        "max_ratio",
        "how many times as many pieces as is usual in the corpus one side of a training pair may have of the other",
        float,
    )
    _option(parser, "seed", "seed of the split, and of the choice of pairs", int)


def _option(
    parser: argparse.ArgumentParser,
    name: str,
    text: str,
    kind: Any = str,
    metavar: str | None = None,
    flag: str | None = None,
) -> None:
    """An option that is set only if it is given: the defaults are those of the corpus."""
    usual, bulk = (getattr(options, name, None) for options in (PrepareOptions(""), BulkOptions()))
    different = bulk is not None and bulk != usual
    parts = [] if usual is None else [str(usual)]
    parts += [f"{WMT14}: {bulk}"] if different else []
    default = f" (default: {'; '.join(parts)})" if parts else ""
    parser.add_argument(
        flag or f"--{name.replace('_', '-')}",
        dest=name,
        metavar=metavar or {int: "N", float: "X"}[kind],
        type=kind,
        default=argparse.SUPPRESS,
        help=text + default,
    )


def _prepare(options: argparse.Namespace) -> None:
    from sse_nmt.corpora.prepare import prepare
    from sse_nmt.corpora.wmt14_en_de import prepare_wmt14

    if options.corpus == WMT14:
        prepare_wmt14(_take(BulkOptions, options), options.destination)
    else:
        prepare(_take(PrepareOptions, options), options.destination)


def _take(kind: Any, options: argparse.Namespace) -> Any:
    """The options of one kind of corpus. Raises UserError for one of the other kind."""
    own = {field.name for field in fields(kind)}
    given = {name: value for name, value in vars(options).items() if name not in ("call", "destination")}
    for name in given:
        if name not in own | {"corpus"}:
            flag = "--from" if name == "folder" else f"--{name.replace('_', '-')}"
            raise UserError(f"`{flag}` says nothing to the corpus {options.corpus}.")
    return kind(**{name: value for name, value in given.items() if name in own})
