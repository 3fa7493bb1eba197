"""Parts of this machine that pieces of work have to themselves."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from sse_nmt.system.machine import cores


@dataclass(frozen=True)
class Slot:
    processors: frozenset[int]
    environment: Mapping[str, str]


def slots(jobs: int | None, most: int) -> list[Slot]:
    """As many as ``jobs`` says, else one a GPU, or one a core where there is none; no more than ``most``."""
    gpus = torch.cuda.device_count()
    count = min(most, jobs if jobs is not None else (gpus or cores()))
    ours = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    found = []
    for number in range(count):
        devices = {"CUDA_VISIBLE_DEVICES": _device(number % gpus)} if gpus else {}
        found.append(Slot(frozenset(_share(ours, number, count)), devices))
    return found


def _share(ours: Sequence[int], number: int, count: int) -> Sequence[int]:
    """Of all cores, those of one of so many; none where the system does not say which there are."""
    if count < len(ours):
        return ours[number * len(ours) // count : (number + 1) * len(ours) // count]
    return [ours[number % len(ours)]] if ours else []


def _device(number: int) -> str:
    """The number that a GPU of ours has outside."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return seen.split(",")[number] if seen else str(number)
