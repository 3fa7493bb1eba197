"""What `sse-nmt train` can be told, with every default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TrainOptions:
    """How systems are trained; the defaults of `sse-nmt train`."""

    seed: int | None = None  # None: as the configuration says
    updates: int | None = None
    overrides: Sequence[str] = ()
    jobs: int | None = None  # None: all at once on CPU (as cores allow), one after the other on GPU
    overwrite: bool = False


@dataclass(frozen=True)
class AverageOptions:
    """Which checkpoints are averaged; the defaults of `sse-nmt average`."""

    last: int = 5
    output: str = "checkpoint_average.pt"
