"""What the sub-commands of `sse-nmt` are described with."""

from __future__ import annotations

import argparse
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from sse_nmt.system.errors import UserError
from sse_nmt.system.options import flag_of

_METAVARS = {int: "N", float: "X"}
Call = Callable[[argparse.Namespace], None]


class Parser(argparse.ArgumentParser):
    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.register("type", Path, _path)

    def _print_message(self, message: str, file: Any = None) -> None:
        """argparse hides it where nobody takes what `--help` prints."""
        if file is sys.stdout:
            file.write(message)
            file.flush()
        else:
            super()._print_message(message, file)


def _path(word: str) -> Path:
    """An empty word, such as a shell makes of a variable that is not set, would be the folder at hand."""
    if not word:
        raise argparse.ArgumentTypeError("must be a path, but is empty")
    return Path(word)


def command(commands: Any, name: str, call: Call, text: str, examples: Sequence[str]) -> argparse.ArgumentParser:
    """A sub-command: what it does in one line, and how it is used."""
    shown = "\n".join(f"  {example}" for example in examples)
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=f"example{'s' * (len(examples) > 1)}:\n{shown}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(call=call)
    return parser


def group_of(commands: Any, name: str, text: str, title: str, members: Sequence[tuple[str, str]]) -> Any:
    """A sub-command that only has sub-commands of its own, each with its line of help."""
    parser = commands.add_parser(
        name,
        usage=f"%(prog)s [-h] {title.upper()} …",
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=listing({f"{title}s": members}),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser.add_subparsers(metavar=title.upper(), required=True, help=argparse.SUPPRESS, prog=parser.prog)


def listing(groups: dict[str, Sequence[tuple[str, str]]]) -> str:
    """Names and what they do, under headings."""
    width = max(len(name) for members in groups.values() for name, _ in members)
    parts = ["\n".join([f"{title}:", *(f"  {name:<{width}}  {text}" for name, text in members)])
             for title, members in groups.items()]  # fmt: skip
    return "\n\n".join(parts)


def add_options(parser: argparse.ArgumentParser, kind: Any, only_if_given: bool = False) -> None:
    """The options of a dataclass, with their defaults, under their headings.

    ``only_if_given``: leave out of the namespace what is not on the command line.
    """
    types_of, groups = get_type_hints(kind), {group.title: group for group in parser._action_groups}
    for each in fields(kind):
        if "help" not in each.metadata:
            continue
        title = each.metadata["group"]
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        settings: dict[str, Any] = {"default": argparse.SUPPRESS if only_if_given else each.default, "dest": each.name}
        value_type = _base_type(types_of[each.name])
        if value_type is bool:
            settings |= {"action": "store_true"}
        else:
            settings |= {"type": value_type, "metavar": each.metadata["metavar"] or _METAVARS[value_type]}
        groups[title].add_argument(flag_of(each.name, each.metadata), help=help_of(each), **settings)


def help_of(field: Any) -> str:
    """The help of an option, with its default."""
    text: str = field.metadata["help"].replace("%", "%%")
    default = "off" if field.default is False else field.metadata["unset"] if field.default is None else field.default
    return text if default in (None, MISSING) else f"{text} (default: {default})"


def from_namespace(kind: Any, options: argparse.Namespace) -> Any:
    """The dataclass ``kind`` from the options of the same names."""
    return kind(**{name: getattr(options, name) for name in kind.__dataclass_fields__})


def assignments(words: Sequence[str], form: str) -> list[tuple[str, str]]:
    pairs = [word.partition("=") for word in words]
    for word, (left, _, right) in zip(words, pairs, strict=True):
        if not left or not right:
            raise UserError(f"A system must be given as {form}, but is {word!r} instead.")
    return [(left, right) for left, _, right in pairs]


def _base_type(annotation: Any) -> Any:
    """int of `int | None`."""
    if isinstance(annotation, types.UnionType):
        return next(each for each in get_args(annotation) if each is not type(None))
    return annotation
