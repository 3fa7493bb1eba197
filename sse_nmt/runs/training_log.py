"""Reading what fairseq prints with ``log_format: json``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

_RECORD = re.compile(r"\| (?P<kind>train_inner|train|valid) \| (?P<json>\{.*\})\s*$")


@dataclass(frozen=True)
class Record:
    kind: str  # train_inner (every log interval), train (every epoch) or valid
    values: dict[str, float]  # as printed, numbers only, without the prefix of their kind


def parse(line: str) -> Record | None:
    """The record in a line of the log, None if it has none."""
    match = _RECORD.search(line)
    if match is None:
        return None
    kind = match["kind"]
    values = {key.removeprefix(f"{kind}_"): _number(value) for key, value in json.loads(match["json"]).items()}
    return Record(kind, {key: value for key, value in values.items() if value is not None})


def validation_curve(log: Path) -> list[tuple[int, float]]:
    """(update, validation loss) in order; where a resumed run validated again, the later value counts."""
    curve: dict[int, float] = {}
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            record = parse(line)
            if record is not None and record.kind == "valid":
                curve[int(record.values["num_updates"])] = record.values["loss"]
    return sorted(curve.items())


def _number(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
