"""Progress for people: bars on a terminal, plain lines in a log."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Collection, Iterator
from typing import TypeVar

from tqdm import tqdm

from sse_nmt.system.harmless import printable

Item = TypeVar("Item")
_PLAIN_INTERVAL = 20.0  # seconds between lines in a log


def on_terminal() -> bool:
    return sys.stderr.isatty()


def log_line(text: str) -> None:
    """A line on standard error, above any bar; its end comes with it, or Ctrl-C might come between the two."""
    tqdm.write("".join(f"{printable(line)}\n" for line in text.split("\n")), file=sys.stderr, end="")
    sys.stderr.flush()


def bar(items: Collection[Item], what: str, unit: str) -> Iterator[Item]:
    """Go through ``items`` behind a bar on a terminal; silently elsewhere."""
    return iter(tqdm(items, desc=f"  {what}", unit=f" {unit}", leave=False, disable=not on_terminal()))


class Progress:
    """How far a long step is, how fast, and what is left: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, total: int | None, what: str, unit: str, done: int = 0, scaled: bool = False) -> None:
        self._total, self._what, self._unit, self._begun, self._done = total, printable(what), unit, done, done
        self._scaled = scaled  # 1.2G rather than 1,234,567,890
        self._start = self._said = time.monotonic()
        self._bar = tqdm(
            total=total, initial=done, desc=f"  {self._what}", unit=unit if scaled else f" {unit}", unit_scale=scaled,
            leave=False, disable=not on_terminal(),
        )  # fmt: skip

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def advance(self, count: int) -> None:
        self._done += count
        self._bar.update(count)
        now = time.monotonic()
        if not on_terminal() and now - self._said > _PLAIN_INTERVAL:
            self._said = now
            log_line(f"  {self.sentence(now - self._start)}")

    def sentence(self, seconds: float) -> str:
        rate = (self._done - self._begun) / seconds
        of_all = "" if self._total is None else f" of {self._count(self._total)}"
        left = ""
        if self._total is not None and rate > 0:
            left = f", {duration(max(0, self._total - self._done) / rate)} left"
        return f"{self._what}: {self._count(self._done)}{of_all} {self._unit}, {self._rate(rate)} {self._unit}/s{left}"

    def _rate(self, rate: float) -> str:
        return f"{rate:.1f}" if rate < 10 and not self._scaled else self._count(rate)

    def _count(self, number: float) -> str:
        return tqdm.format_sizeof(number) if self._scaled else f"{number:,.0f}"


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step and say at its end how long it took."""
    log_line(f"{title} …")
    start = time.monotonic()
    yield
    log_line(f"  done in {duration(time.monotonic() - start)}")


def duration(seconds: float) -> str:
    """1.4 s, 2 min 05 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
