"""How often each row of a table is looked up in a corpus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor


def row_frequencies(ids: Iterable[Tensor | Sequence[int]], rows: int) -> Tensor:
    """p_k, the share of row k among all ids: (V,) float32, summing to 1.

    Args:
        ids: the corpus, in pieces of any shape (sentences, batches); read once, one piece at a time.
        rows: V.

    Raises:
        ValueError: an id outside the table, or no id at all.
    """
    counts = torch.zeros(rows, dtype=torch.long)
    for piece in ids:
        flat = torch.as_tensor(piece).reshape(-1).cpu()
        if not len(flat):
            continue
        lowest, highest = (int(end) for end in flat.aminmax())
        if lowest < 0 or highest >= rows:
            outside = lowest if lowest < 0 else highest
            raise ValueError(f"`ids` must be rows in [0, {rows}), but {outside} is among them.")
        counts += torch.bincount(flat, minlength=rows)
    if not counts.any():
        raise ValueError("`ids` must hold at least one id, but hold none.")
    return (counts.double() / counts.sum()).float()
