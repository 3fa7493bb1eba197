"""What the sub-commands of `sse-nmt` are described with."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from sse_nmt.errors import UserError


def command(commands: Any, name: str, call: Any, text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.set_defaults(call=call)
    return parser


def option(
    parser: argparse.ArgumentParser, defaults: Any, name: str, text: str, kind: Any = str, metavar: str | None = None
) -> None:
    """An option for a field of a dataclass, which has its default."""
    default = getattr(defaults, name)
    suffix = "" if default is None else f" (default: {default})"
    metavar = metavar or {int: "N", float: "X"}[kind]
    parser.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, type=kind, default=default, help=text + suffix)


def take(kind: Any, options: argparse.Namespace) -> Any:
    """The dataclass ``kind`` from the options of the same names."""
    return kind(**{name: getattr(options, name) for name in kind.__dataclass_fields__})


def assignments(words: Sequence[str], form: str) -> list[tuple[str, str]]:
    pairs = [word.partition("=") for word in words]
    for word, (left, _, right) in zip(words, pairs, strict=True):
        if not left or not right:
            raise UserError(f"A system must be given as {form}, but is {word!r} instead.")
    return [(left, right) for left, _, right in pairs]
