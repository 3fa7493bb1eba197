"""An option is one field of a dataclass: its default, help and range stand there, and everybody takes them from it."""

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, fields
from typing import Any

from sse_nmt.system.errors import UserError


@dataclass(frozen=True)
class Range:
    """What an option may be. ``words``: what is said after "must be"."""

    words: str
    holds: Callable[[Any], bool]


def at_least(minimum: float) -> Range:
    return Range(f"at least {minimum}", lambda value: value >= minimum)


def above(minimum: float) -> Range:
    return Range(f"finite and above {minimum}", lambda value: minimum < value < math.inf)


def finite(minimum: float) -> Range:
    return Range(f"at least {minimum} and finite", lambda value: minimum <= value < math.inf)


def between(low: float, high: float, ends: str = "[]") -> Range:
    """``ends``: brackets as mathematicians write them, such as "(]" for low < value ≤ high."""

    def holds(value: float) -> bool:
        above = value > low if ends[0] == "(" else value >= low
        return above and (value < high if ends[1] == ")" else value <= high)

    return Range(f"in {ends[0]}{low}, {high}{ends[1]}", holds)


def seeds() -> Range:
    """What numpy, torch and fairseq all take."""
    return between(0, 2**32 - 1)


def one_of(values: Collection[str]) -> Range:
    return Range(f"one of {', '.join(values)}", lambda value: value in values)


def names() -> Range:
    """What names a folder or a part of a file's name on every machine."""
    return Range(
        "letters, digits, and . _ + - within",
        lambda value: re.fullmatch(r"[A-Za-z0-9][\w.+-]*", str(value)) is not None,
    )


def either(one: str, other: str) -> Range:
    return Range(f"{one} or {other}", lambda value: value in (one, other))


def option(
    default: Any,
    help: str,
    range: Range | None = None,
    *,
    metavar: str | None = None,
    flag: str | None = None,
    unset: str | None = None,
    group: str = "options",
) -> Any:
    """The field of an option.

    Args:
        help: for somebody who has not read the paper.
        range: what it may be; None for anything. ``None`` as a value is always allowed.
        metavar: what stands for its value in help.
        flag: on the command line, if it is not the field's name.
        unset: what a default of None amounts to.
        group: the heading under which help lists it.
    """
    metadata = {"help": help, "range": range, "metavar": metavar, "flag": flag, "unset": unset, "group": group}
    return field(default=default, metadata=metadata)


def flag_of(name: str, metadata: Any) -> str:
    """--max-ratio for the field `max_ratio`."""
    return metadata.get("flag") or f"--{name.replace('_', '-')}"


def check_options(options: Any, kind: Any = None, error: type[Exception] = UserError) -> None:
    """Raise ``error`` for the first option that is not in its range.

    ``kind``: the dataclass whose options are looked at; None for that of ``options``.
    """
    for each in fields(kind or options):
        allowed = each.metadata.get("range")
        if allowed is None:
            continue
        value = getattr(options, each.name)
        if value is not None and not allowed.holds(value):
            shown = repr(value) if isinstance(value, str) else value
            raise error(f"`{flag_of(each.name, each.metadata)}` must be {allowed.words}, but is {shown} instead.")
