"""What can be made of a run, with every default."""

from __future__ import annotations

from dataclasses import dataclass

from sse_nmt.system.options import at_least, option


@dataclass(frozen=True)
class AverageOptions:
    """Which checkpoints are averaged; the defaults of `sse-nmt average`."""

    last: int = option(5, "how many of the last checkpoints are averaged", at_least(1))
    output: str = option("checkpoint_average.pt", "name of the average, which is put beside them", metavar="NAME")
