"""Which runs are compared with which, and whether they can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from sse_nmt.errors import UserError
from sse_nmt.progress import say


class Searched(Protocol):
    @property
    def path(self) -> Path: ...
    @property
    def search(self) -> dict[str, Any]: ...


def check_one_search(runs: Sequence[Searched]) -> None:
    """Raise UserError if runs were translated with different options."""
    first = runs[0]
    for run in runs:
        for name, value in run.search.items():
            if first.search.get(name) != value:
                raise UserError(
                    f"All runs must be translated alike, but `{name}` is {first.search.get(name)!r} for {first.path} "
                    f"and {value!r} for {run.path}."
                )


def one_of_all(values: Sequence[Any], runs: Sequence[tuple[str, Path]], what: str) -> Any:
    """The value that all runs have. Raises UserError if they differ."""
    for value, (_, path) in zip(values, runs, strict=True):
        if value != values[0]:
            raise UserError(
                f"All runs must have one {what}, but it is {values[0]!r} for {runs[0][1]} and {value!r} for {path}."
            )
    return values[0]


def say_what_is_scored_anew(path: Path, written: Mapping[str, Any], now: Mapping[str, str]) -> None:
    """Name the metrics of a run that were once scored under another signature than ``now``."""
    for name, signature in now.items():
        if name in written and written[name]["signature"] != signature:
            say(f"{path}: {name} was scored as {written[name]['signature']}; scored anew as {signature}.")


def check_each_once(runs: Sequence[tuple[str, Path]]) -> None:
    """Raise UserError if a run is given twice: it would count as two seeds."""
    folders = [path.resolve() for _, path in runs]
    for path in folders:
        if folders.count(path) > 1:
            raise UserError(f"Each run must be given once, but {path} is given {folders.count(path)} times.")


def baseline_first(runs: Sequence[tuple[str, Path]], baseline: str | None) -> list[str]:
    """The names of the systems, each once: the baseline (None: the first), then the others as given."""
    names = list(dict.fromkeys(name for name, _ in runs))
    first = names[0] if baseline is None else baseline
    if first not in names:
        raise UserError(f"The baseline must be one of {', '.join(names)}, but is {first!r} instead.")
    return [first, *(name for name in names if name != first)]
