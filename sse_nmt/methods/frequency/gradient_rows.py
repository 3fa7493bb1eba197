"""Which rows of a table an update looked up, as its gradient tells, and how rows are stepped along it."""

from __future__ import annotations

import torch
from torch import Tensor


def rows_of(gradient: Tensor) -> Tensor:
    """Gradient (V, D), dense or coalesced -> (V,) bool: its rows with a number other than 0, or its indices.

    A dense one is read where it lies, without waiting for the device. Of the indices of a sparse one all count, so the
    two differ in rows that were looked up and whose gradient is exactly 0: for their step it makes no difference.
    """
    if gradient.is_sparse:
        rows = torch.zeros(gradient.shape[0], dtype=torch.bool, device=gradient.device)
        return rows.index_fill_(0, gradient.indices()[0], True)
    # Twice as fast on a processor as `(gradient != 0).any(1)`, and no second matrix; NaN is other than 0.
    return (gradient.amin(1) != 0) | (gradient.amax(1) != 0)


def step_rows(table: Tensor, gradient: Tensor, steps: Tensor) -> None:
    """Row k of ``table`` (V, D) goes ``steps[k]`` against its gradient; rows without gradient keep their bits."""
    if not gradient.is_sparse:
        table.addcmul_(gradient, steps[:, None], value=-1)
        return
    rows = gradient.indices()[0]
    stepped = table[rows].addcmul_(gradient.values(), steps[rows, None], value=-1)
    table.index_copy_(0, rows, stepped)
