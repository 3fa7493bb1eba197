"""Spectral initialisation: two factors of one product, with its singular values split evenly between them.

Source: Khodak, Tenenholtz, Mackey, Fusi, "Initialization and Regularization of Factorized Neural Layers", ICLR 2021
(arXiv 2105.01029), section 3.1. All of it runs once, before training, and in double precision.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from sse_nmt.methods.dtypes import double_if_supported


def rank_for(shape: Sequence[int], scale: float) -> int:
    """The rank ``round(scale * min(m, n))`` of a factorised (m, n) matrix, at least 1.

    Below scale 1/2 the factors of a square matrix have fewer numbers than the matrix; at 1 twice as many.

    Raises:
        ValueError: not the shape of a matrix, or a scale outside (0, 1].
    """
    if len(shape) != 2:
        raise ValueError(f"`shape` must be that of a matrix, but is {tuple(shape)} instead.")
    if not 0.0 < scale <= 1.0:
        raise ValueError(f"`scale` must be in (0, 1], but is {scale} instead.")
    return max(1, round(scale * min(shape)))


def check_rank(shape: Sequence[int], rank: int) -> int:
    """Return ``rank`` if an (m, n) matrix can have it, raise ValueError otherwise."""
    if not 1 <= rank <= min(shape):
        raise ValueError(f"`rank` must be in [1, {min(shape)}], but is {rank} instead.")
    return rank


@torch.no_grad()
def spectral_init(weight: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Weight (m, n) -> U (m, r), V (n, r): U Vᵀ is its best approximation of rank r, and UᵀU = VᵀV = Σ_r.

    With weight = Ũ Σ Ṽᵀ these are U = Ũ_r Σ_r^{1/2} and V = Ṽ_r Σ_r^{1/2}, in the type of the weight. Where a row or
    column of the weight is exactly zero, so is the row of its factor. Beyond the rank of the weight both factors are
    zero and training cannot move them: a weight of zeros is no start.

    Raises:
        ValueError: not a matrix, a rank that it cannot have, or a number that is not finite.
    """
    if weight.dim() != 2:
        raise ValueError(f"`weight` must be a matrix, but has the shape {tuple(weight.shape)} instead.")
    check_rank(weight.shape, rank)
    if not weight.isfinite().all():
        raise ValueError("`weight` must be finite, but has infinite numbers or NaN in it.")
    left, values, right = torch.linalg.svd(weight.to(double_if_supported(weight.device)), full_matrices=False)
    root = values[:rank].sqrt()
    u, v = left[:, :rank] * root, right[:rank].t() * root
    # The decomposition leaves rounding errors there, and a row of padding has to be zero.
    u[weight.eq(0).all(1)] = 0.0
    v[weight.eq(0).all(0)] = 0.0
    # Optimisers flatten parameters, so these are laid out as any new one.
    return u.to(weight.dtype).contiguous(), v.to(weight.dtype).contiguous()


@torch.no_grad()
def balanced(left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """A (H, k, m), B (H, k, n) -> A', B' of the same shapes: A'ᵀB' = AᵀB for each head, and A'A'ᵀ = B'B'ᵀ.

    The products (m, n) are never formed: A'ᵀ and B'ᵀ come from the decomposition of R_A R_Bᵀ, no larger than (k, k).
    """
    basis_left, core_left = torch.linalg.qr(left.mT)  # (H, m, p), (H, p, k) with p = min(m, k)
    basis_right, core_right = torch.linalg.qr(right.mT)  # (H, n, q), (H, q, k) with q = min(n, k)
    x, values, y = torch.linalg.svd(core_left @ core_right.mT, full_matrices=False)  # (H, p, t), (H, t), (H, t, q)
    root = values.sqrt()[:, :, None]
    unused = (0, 0, 0, left.size(1) - values.size(1))  # heads of more numbers than a side has: zeros
    return F.pad(root * (basis_left @ x).mT, unused), F.pad(root * (y @ basis_right.mT), unused)
