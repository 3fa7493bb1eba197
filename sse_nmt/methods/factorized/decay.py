"""Frobenius decay: weight decay on the products that a model computes, in place of that on their factors.

Source: Khodak, Tenenholtz, Mackey, Fusi, ICLR 2021 (arXiv 2105.01029), section 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from torch import Tensor

from sse_nmt.methods.factorized.factor import Factor
from sse_nmt.methods.factorized.pair import FactorPair


class FrobeniusDecay:
    """The penalty (λ/2) Σ ‖AᵀB‖²_F over pairs of factors.

    Once an update, after the last backward call and before the gradients are clipped, call `add_gradients_`. The
    parameters must carry no ordinary weight decay: give `parameters()` an optimiser's group without any.

    Args:
        pairs: from `tagged_pairs`, or made by hand.
        decay: λ, on the scale of PyTorch's ``weight_decay``: no factor 2.

    Raises:
        ValueError: no pair, a λ that is negative or not finite, or only part of a packed weight in the pairs.
    """

    def __init__(self, pairs: Iterable[FactorPair], decay: float) -> None:
        self.pairs = list(pairs)
        self.decay = decay
        if not self.pairs:
            raise ValueError("`pairs` must hold at least one pair, but is empty.")
        if not 0.0 <= decay < math.inf:
            raise ValueError(f"`decay` must be at least 0 and finite, but is {decay} instead.")
        _check_whole(self._factors())

    def parameters(self) -> list[Tensor]:
        """Every parameter of the pairs, once."""
        return list({id(factor.parameter): factor.parameter for factor in self._factors()}.values())

    def value(self) -> Tensor:
        """The penalty, a scalar in float32 or better that carries no gradient."""
        return self._of(pair.squared_norm() for pair in self.pairs)

    def add_gradients_(self, scale: float | Tensor = 1.0) -> Tensor:
        """Add ``scale`` times the penalty's gradient to ``grad`` of every factor, and return `value`, which is free.

        Args:
            scale: what the gradients in ``grad`` are yet to be divided by, a loss scale say.

        Raises:
            ValueError: a gradient is sparse.
        """
        return self._of([pair.add_gradients_(self.decay * scale) for pair in self.pairs])

    def _of(self, squared_norms: Iterable[Tensor]) -> Tensor:
        return 0.5 * self.decay * sum(squared_norms, start=self.pairs[0].left.parameter.new_zeros(()))

    def _factors(self) -> list[Factor]:
        return [factor for pair in self.pairs for factor in (pair.left, pair.right)]


def _check_whole(factors: list[Factor]) -> None:
    """A parameter is decayed by the pairs or by the optimiser, never half and half."""
    rows: dict[int, set[int]] = {}
    for factor in factors:
        first, last = factor.layout.rows or (0, len(factor.parameter))
        rows.setdefault(id(factor.parameter), set()).update(range(first, last))
    for factor in factors:
        found, size = len(rows[id(factor.parameter)]), len(factor.parameter)
        if found < size:
            raise ValueError(f"`pairs` must hold a packed weight whole, but hold {found} of {size} rows instead.")
