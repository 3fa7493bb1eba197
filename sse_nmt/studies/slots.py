"""Parts of this machine that pieces of work have to themselves."""

from __future__ import annotations

import os
from collections.abc import Mapping
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
    each = max(1, len(ours) // count)
    found = []
    for number in range(count):
        mine = [ours[(number * each + i) % len(ours)] for i in range(each)] if ours else []
        devices = {"CUDA_VISIBLE_DEVICES": _device(number % gpus)} if gpus else {}
        found.append(Slot(frozenset(mine), devices))
    return found


def _device(number: int) -> str:
    """The number that a GPU of ours has outside."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return seen.split(",")[number] if seen else str(number)
