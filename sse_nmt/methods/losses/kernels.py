"""Whether Triton's kernels can take the rows of these logits."""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor

from sse_nmt.methods.triton_use import triton_runs

_TYPES = (torch.float32, torch.float16, torch.bfloat16)


def row_kernels(logits: Tensor) -> ModuleType | None:
    """`triton_rows`; None where it does not serve: other devices and types, other strides, torch without Triton."""
    if logits.dtype not in _TYPES or not logits.is_contiguous() or not triton_runs(logits.device):
        return None
    from sse_nmt.methods.losses import triton_rows

    return triton_rows
