"""Two factors and the Frobenius norm of their product, its value and gradient without forming the product."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sse_nmt.methods.dtypes import double_if_supported
from sse_nmt.methods.factorized.factor import Factor, Layout
from sse_nmt.methods.factorized.spectral import balanced


@dataclass(frozen=True, eq=False)
class FactorPair:
    """Factors A_h: (k, m) and B_h: (k, n) of the products A_hᵀ B_h of H heads.

    Raises:
        ValueError: the factors have other heads or another k each.
    """

    left: Factor
    right: Factor

    def __post_init__(self) -> None:
        if self.left.shape[:2] != self.right.shape[:2]:
            raise ValueError(
                f"`left` and `right` must agree in heads and their size, but have {self.left.shape[:2]} "
                f"and {self.right.shape[:2]} instead."
            )

    @classmethod
    def of_columns(cls, left: Tensor, right: Tensor) -> FactorPair:
        """U: (m, r), V: (n, r) of U Vᵀ."""
        return cls(Factor(left, Layout(inner=1)), Factor(right, Layout(inner=1)))

    @torch.no_grad()
    def squared_norm(self) -> Tensor:
        """Σ_h ‖A_hᵀ B_h‖²_F = Σ_h tr(A_h A_hᵀ · B_h B_hᵀ), a scalar in float32, or float64 for float64."""
        return _inner_product(_gram(self.left.matrices()), _gram(self.right.matrices()))

    @torch.no_grad()
    def add_gradients_(self, weight: float | Tensor) -> Tensor:
        """Add ``weight`` times the gradient of ½ Σ_h ‖A_hᵀ B_h‖²_F to ``grad`` of both, and return `squared_norm`.

        ∂A_h = (B_h B_hᵀ) A_h and ∂B_h = (A_h A_hᵀ) B_h, computed in float32 or better and then rounded.

        Raises:
            ValueError: a gradient is sparse.
        """
        left, right = self.left.matrices(), self.right.matrices()  # (H, k, m), (H, k, n)
        gram_left, gram_right = _gram(left), _gram(right)
        self.left.add_to_gradient_(_product(gram_right, left).mul_(weight))
        self.right.add_to_gradient_(_product(gram_left, right).mul_(weight))
        return _inner_product(gram_left, gram_right)


@torch.no_grad()
def spectral_balance_(
    pair: FactorPair, left_columns: tuple[Factor, ...] = (), right_columns: tuple[Factor, ...] = ()
) -> None:
    """Split the singular values of every A_hᵀ B_h evenly between its factors, in place; the products stay.

    Afterwards A_h A_hᵀ = B_h B_hᵀ. Biases are given as further columns of their side: they turn with the weights, so
    that (A_h x + a_h)ᵀ (B_h y + b_h) stays for all x and y. What is balanced then is [A_h a_h] against [B_h b_h].

    Args:
        left_columns, right_columns: vectors of H k numbers that are added to what A_h, B_h make of their inputs.
    """
    left, right = (pair.left, *left_columns), (pair.right, *right_columns)
    dtype = double_if_supported(pair.left.parameter.device)
    joined = [torch.cat([factor.matrices(dtype) for factor in side], -1) for side in (left, right)]
    for side, matrices in zip((left, right), balanced(*joined), strict=True):
        for factor, part in zip(side, matrices.split([factor.shape[2] for factor in side], -1), strict=True):
            factor.overwrite_(part)


def _gram(matrices: Tensor) -> Tensor:
    """(H, k, n) -> (H, k, k)."""
    return _product(matrices, matrices.mT)


def _product(left: Tensor, right: Tensor) -> Tensor:
    """Batched, in the type of its operands, which automatic mixed precision would lower."""
    with torch.autocast(left.device.type, enabled=False):
        return torch.bmm(left, right)


def _inner_product(left: Tensor, right: Tensor) -> Tensor:
    return (left * right).sum()
