"""What an optimiser is told of a parameter that is an embedding table.

fairseq hands its optimisers parameters and nothing else; in mixed precision, copies of them in full precision. Of
a parameter's attributes those copies have ``optim_overrides``, which is fairseq's place for what optimisers are to
know of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

_PLACE, _KEY = "optim_overrides", "embedding_table"


@dataclass(frozen=True)
class EmbeddingTable:
    """A table (V, D) whose rows are looked up by token ids.

    Args:
        name: of the embedding in the model.
        tied_to: another layer that has the same table, if any.
        frequencies: counts how often each row is looked up in the training text: (V,), summing to 1.
    """

    name: str
    tied_to: str | None
    frequencies: Callable[[], Tensor]


def tag(parameter: Tensor, table: EmbeddingTable) -> None:
    setattr(parameter, _PLACE, {**getattr(parameter, _PLACE, {}), _KEY: table})


def embedding_table(parameter: Tensor) -> EmbeddingTable | None:
    """What the parameter was tagged with; None for any other parameter."""
    return (getattr(parameter, _PLACE, None) or {}).get(_KEY)
