"""Options of other commands as a study gives them: checked before anything runs, and as words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.evaluation.options import EvaluateOptions
from sse_nmt.system.errors import UserError
from sse_nmt.system.options import flag_of

# What the study says by itself, or what is for files in place of runs.
_NOT_HERE = {
    PrepareOptions: {"corpus"},
    EvaluateOptions: {"hypotheses", "reference", "target_lang", "split", "checkpoint", "text"},
}
_KINDS = {int: "a whole number", float: "a number", str: "text"}
Options = Mapping[str, Any]  # by the names of their dataclass


@dataclass(frozen=True)
class Asked:
    """What a command makes, such as a corpus or a kind of graph, with options of the dataclass ``kind``."""

    what: str
    kind: type
    options: Options

    @property
    def words(self) -> list[str]:
        return [self.what, *words_of(self.kind, self.options)]

    def but(self, further: Options) -> Asked:
        return Asked(self.what, self.kind, {**self.options, **further})


def words_of(kind: Any, options: Options) -> list[str]:
    """As on a command line."""
    metadata = {each.name: each.metadata for each in fields(kind)}
    return [f"{flag_of(name, metadata[name])}={value}" for name, value in options.items()]


def read_options(path: Path, where: str, entry: Any, kind: Any) -> dict[str, Any]:
    """Those of ``kind`` from the keys and values at ``where`` in a study's file.

    Raises:
        UserError: one that it does not have, or cannot be.
    """
    if not isinstance(entry, dict):
        raise UserError(f"`{where}` in {path} must be options and their values, but is {entry!r} instead.")
    known = {each.name: each for each in fields(kind) if each.name not in _NOT_HERE.get(kind, ())}
    flags = {flag_of(name, each.metadata).removeprefix("--"): name for name, each in known.items()}
    types, options = get_type_hints(kind), dict[str, Any]()
    for key, value in entry.items():
        name = flags.get(str(key).replace("_", "-"))
        if name is None:
            raise UserError(f"`{where}` in {path} must have options among {', '.join(flags)}, but has {key!r}.")
        options[name] = _typed(f"`{where}.{key}` in {path}", value, types[name])
        allowed = known[name].metadata.get("range")
        if allowed is not None and not allowed.holds(options[name]):
            raise UserError(f"`{where}.{key}` in {path} must be {allowed.words}, but is {value!r} instead.")
    return options


def _typed(what: str, value: Any, annotation: Any) -> Any:
    """As the command line would have it: `'3000'` is a number where one is wanted."""
    if isinstance(value, bool):
        raise UserError(f"{what} must be a number or text, but is {value!r} instead: put yes, no, on, off in quotes.")
    if not isinstance(value, int | float | str):
        raise UserError(f"{what} must be a number or text, but is {value!r} instead.")
    kind = next(each for each in get_args(annotation) or [annotation] if each in _KINDS)
    try:
        return kind(str(value))
    except ValueError:
        raise UserError(f"{what} must be {_KINDS[kind]}, but is {value!r} instead.") from None
