"""Reading what fairseq prints with ``log_format: json``, in a log that may hold anything else as well."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

_KINDS = ("train_inner", "train", "valid")
_LONGEST = 1 << 16  # characters of a line that may be a record; fairseq's have a thousand


@dataclass(frozen=True)
class Record:
    kind: str  # train_inner (every log interval), train (every epoch) or valid
    values: dict[str, float]  # as printed, finite numbers only, without the prefix of their kind


def parse(line: str) -> Record | None:
    """The record in a line of the log, None if it has none."""
    head, found, text = line[:_LONGEST].partition(" | {")
    kind = head.rpartition("| ")[2]
    if not found or kind not in _KINDS:
        return None
    try:
        printed = msgspec.json.decode("{" + text.rstrip(), type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError, UnicodeError):  # cut off, or somebody else's
        return None
    numbers = {key.removeprefix(f"{kind}_"): _number(value) for key, value in printed.items()}
    return Record(kind, {key: value for key, value in numbers.items() if value is not None})


def validation_curve(log: Path) -> list[tuple[int, float]]:
    """(update, validation loss) in order; where a resumed run validated again, the later value counts."""
    curve: dict[int, float] = {}
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in _lines(file):
            record = parse(line)
            if record is not None and record.kind == "valid" and {"num_updates", "loss"} <= record.values.keys():
                curve[int(record.values["num_updates"])] = record.values["loss"]
    return sorted(curve.items())


def _lines(file: IO[str]) -> Iterator[str]:
    """In pieces, where one has no end."""
    while line := file.readline(_LONGEST):
        yield line


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
