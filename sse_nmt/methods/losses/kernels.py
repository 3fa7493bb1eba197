"""Whether Triton's kernels can take the rows of these logits."""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor

DEVICES = ("cuda",)
_TYPES = (torch.float32, torch.float16, torch.bfloat16)


def row_kernels(logits: Tensor) -> ModuleType | None:
    """`triton_rows`; None where it does not serve: other devices and types, other strides, torch without Triton."""
    if logits.device.type not in DEVICES or logits.dtype not in _TYPES or not logits.is_contiguous():
        return None
    try:
        from sse_nmt.methods.losses import triton_rows
    except ImportError:
        return None
    return triton_rows
