"""How strong a perturbation is at an update."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """A factor that rises linearly from 0 to 1 over the first updates, and falls linearly from there to 0.

    Args:
        warmup: the update at which it is 1; 0: from the start.
        decay: the update at which it is 0 again; 0: it stays.

    Raises:
        ValueError: a decay that is over before the warm-up is.
    """

    warmup: int = 0
    decay: int = 0

    def __post_init__(self) -> None:
        if 0 < self.decay <= self.warmup:
            raise ValueError(
                f"`--sse-decay-updates` must be above `--sse-warmup-updates`, {self.warmup}, but is {self.decay}."
            )

    def factor(self, update: int) -> float:
        """At an update, counted from 0; of the update alone."""
        if update < self.warmup:
            return update / self.warmup
        if self.decay == 0:
            return 1.0
        return max(0.0, (self.decay - update) / (self.decay - self.warmup))
