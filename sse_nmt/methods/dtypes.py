"""Number types that are computed in, where they are not those of the tensors."""

from __future__ import annotations

import torch


def accumulation_dtype(dtype: torch.dtype) -> torch.dtype:
    """What sums are taken in: float32, or float64 for float64."""
    return torch.promote_types(dtype, torch.float32)


def double_if_supported(device: torch.device) -> torch.dtype:
    """What is worth double precision: Apple's GPUs have none."""
    return torch.float32 if device.type == "mps" else torch.float64
