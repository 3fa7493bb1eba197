"""One factor of a product: which numbers of which parameter, and how they stand there.

Every product of this room is A_hᵀ B_h for heads h = 1 … H, with A_h: (k, m) and B_h: (k, n). A low-rank weight U Vᵀ is
the case H = 1, A = Uᵀ, B = Vᵀ; attention has Q_hᵀ K_h and, with A_h = O_hᵀ, O_h V_h.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sse_nmt.methods.dtypes import accumulation_dtype


@dataclass(frozen=True)
class Layout:
    """How a parameter holds the matrices A_h.

    Args:
        heads: H.
        inner: the dimension of the parameter along which the k numbers of each head follow those of the last: 0 for
            a parameter (H k, n), as queries, keys and values have, 1 for (n, H k), as the output and U, V have.
        rows: the first and the one past the last row of it, where a parameter holds other things too.
    """

    heads: int = 1
    inner: int = 0
    rows: tuple[int, int] | None = None

    def of(self, tensor: Tensor) -> Tensor:
        """A tensor in the shape of the parameter -> a view (H, k, n) of it; a vector counts as one column."""
        matrix = tensor if tensor.dim() == 2 else tensor.view(-1, 1)
        if self.rows is not None:
            matrix = matrix[self.rows[0] : self.rows[1]]
        matrix = matrix.t() if self.inner == 1 else matrix
        return matrix.unflatten(0, (self.heads, -1))


@dataclass(frozen=True, eq=False)
class Factor:
    """A parameter, or anything that has numbers and a gradient, seen through a layout.

    Raises:
        ValueError: the heads do not divide what there is.
    """

    parameter: Tensor
    layout: Layout = Layout()

    def __post_init__(self) -> None:
        inner, _ = self._size()
        if self.layout.heads < 1 or inner % self.layout.heads:
            raise ValueError(f"`heads` must divide {inner}, but is {self.layout.heads} instead.")

    @property
    def shape(self) -> tuple[int, int, int]:
        """H, k, n."""
        inner, outer = self._size()
        return self.layout.heads, inner // self.layout.heads, outer

    def matrices(self, dtype: torch.dtype | None = None) -> Tensor:
        """(H, k, n), detached, in ``dtype`` or in what is computed in; a view where that is the parameter's own."""
        return self.layout.of(self.parameter.detach()).to(dtype or accumulation_dtype(self.parameter.dtype))

    def overwrite_(self, matrices: Tensor) -> None:
        """Let the parameter hold these (H, k, n) instead."""
        self.layout.of(self.parameter.detach()).copy_(matrices)

    def add_to_gradient_(self, gradient: Tensor) -> None:
        """Add (H, k, n) to the parameter's ``grad``, made if there is none; a frozen parameter stays without."""
        parameter = self.parameter
        if not parameter.requires_grad:
            return
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        if parameter.grad.is_sparse:
            raise ValueError("The gradient of a factor must be dense, but is sparse instead.")
        self.layout.of(parameter.grad).add_(gradient)  # the sum is taken in the wider type and rounded once

    def _size(self) -> tuple[int, int]:
        """H k, n."""
        rows, columns = self.parameter.shape if self.parameter.dim() == 2 else (self.parameter.numel(), 1)
        if self.layout.rows is not None:
            rows = self.layout.rows[1] - self.layout.rows[0]
        return (columns, rows) if self.layout.inner == 1 else (rows, columns)
