"""Dropout from sixteen random bits a number, where torch draws a whole variate on the processor."""

from __future__ import annotations

import torch
from torch import Tensor

_LEVELS = 2**16


def dropout_16bit(x: Tensor, p: float, generator: torch.Generator | None = None) -> Tensor:
    """Dropout of Srivastava et al. (2014) with p rounded to a multiple of 2^-16: (*) -> (*).

    Numbers are zeroed with that rounded probability and the others divided by its complement, so the mean is kept
    exactly. The masks are other ones than `torch.nn.functional.dropout` would draw.

    Raises:
        ValueError: p outside [0, 1].
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"`p` must be in [0, 1], but is {p} instead.")
    dropped = round(p * _LEVELS)
    if dropped == 0:
        return x
    if dropped == _LEVELS:
        return x * 0.0
    mask = torch.ge(_random_int16(x, generator), dropped - _LEVELS // 2, out=torch.empty_like(x, requires_grad=False))
    return x * mask.mul_(_LEVELS / (_LEVELS - dropped))


def _random_int16(x: Tensor, generator: torch.Generator | None) -> Tensor:
    """Uniform over all of int16, in the shape of x: four of them from one draw of 64 bits."""
    draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device)
    draws.random_(-(2**63), None, generator=generator)
    return draws.view(torch.int16)[: x.numel()].view(x.shape)
