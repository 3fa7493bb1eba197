"""Progress for people: bars on a terminal, plain lines in a log."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Collection, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def on_terminal() -> bool:
    return sys.stderr.isatty()


def say(text: str) -> None:
    """A line on standard error, above any bar."""
    tqdm.write(text, file=sys.stderr)
    sys.stderr.flush()


def bar(items: Collection[Item], what: str, unit: str) -> Iterator[Item]:
    """Go through ``items`` behind a bar on a terminal; silently elsewhere."""
    return iter(tqdm(items, desc=f"  {what}", unit=f" {unit}", leave=False, disable=not on_terminal()))


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step and say at its end how long it took."""
    say(f"{title} …")
    start = time.monotonic()
    yield
    say(f"  done in {duration(time.monotonic() - start)}")


def duration(seconds: float) -> str:
    """1.4 s, 2 min 05 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
