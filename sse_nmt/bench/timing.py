"""Timing callables in turn, so that a machine whose speed drifts treats them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

Item = TypeVar("Item")


@dataclass(frozen=True)
class Spread:
    """Median and middle half of a series."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(low, median, high)

    def __format__(self, form: str) -> str:
        """median [quartiles], each in this format."""
        return f"{self.median:{form}} [{self.low:{form}}, {self.high:{form}}]"


def interleave(items: Sequence[Item], number: int) -> list[Item]:
    """All of them in the order of that round: every other goes backwards, so that none always runs in the wake of
    the same other."""
    return list(items) if number % 2 == 0 else list(reversed(items))


def interleaved(calls: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Seconds of each call in each round, after one round that does not count: [call][round]."""
    seconds: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
    for number in range(rounds):
        for i in interleave(range(len(calls)), number):
            seconds[i].append(seconds_of(calls[i]))
    return seconds


def seconds_of(call: Callable[[], object]) -> float:
    """Until the GPU is done too."""
    _wait_for_device()
    start = time.perf_counter()
    call()
    _wait_for_device()
    return time.perf_counter() - start


def _wait_for_device() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
