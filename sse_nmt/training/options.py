"""What `sse-nmt train` can be told, with every default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sse_nmt.system.options import at_least, names, option, seeds


@dataclass(frozen=True)
class TrainOptions:
    """How systems are trained; the defaults of `sse-nmt train`."""

    seed: int | None = option(
        None, "seed of the model, the batches and all that is drawn", seeds(), unset="the configuration's"
    )
    updates: int | None = option(None, "updates of the training", at_least(1), unset="the configuration's")
    name: str | None = option(
        None,
        "what the system is called in messages, in its record and in tables",
        names(),
        metavar="NAME",
        unset="that of its configuration",
    )
    jobs: int | None = option(
        None, "trainings that run at a time", at_least(1), unset="as many as cores without a GPU, one with"
    )
    overwrite: bool = option(False, "discard what the run folders hold and begin anew")
    overrides: Sequence[str] = ()
