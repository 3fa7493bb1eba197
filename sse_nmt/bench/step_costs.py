"""What steps cost besides their time: CPU seconds and memory."""

from __future__ import annotations

import contextlib
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sse_nmt.corpora.pipeline.steps import Steps

_UNIT = 1 if sys.platform == "darwin" else 1024  # of getrusage's memory, in bytes


@dataclass(frozen=True)
class Cost:
    cpu_seconds: float  # children included
    peak: int  # bytes that this process had resident at most


class MeasuredSteps(Steps):
    """Steps that remember what each cost."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.costs: dict[str, Cost] = {}

    def run(self, name: str, title: str, work: Callable[[], Any], *arguments: Any, **settings: Any) -> Any:
        def measured() -> Any:
            _forget_peak()
            before = _cpu_seconds()
            result = work()
            self.costs[name] = Cost(_cpu_seconds() - before, _peak(resource.RUSAGE_SELF))
            return result

        return super().run(name, title, measured, *arguments, **settings)


def largest_child() -> int:
    """Bytes that the largest child so far had resident at most; memory it shares with its parent counts too."""
    return _peak(resource.RUSAGE_CHILDREN)


def _forget_peak() -> None:
    """Start the peak from what is resident now (proc(5)): it would be that of an earlier step, and a child that is
    started inherits it."""
    with contextlib.suppress(OSError):  # another system: peaks are those so far
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak(who: int) -> int:
    return resource.getrusage(who).ru_maxrss * _UNIT
