"""Matrix products in bfloat16 on a processor, those of attention aside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional


@contextmanager
def cpu_bfloat16() -> Iterator[None]:
    """`torch.autocast` for a forward pass on the processor, with `scaled_dot_product_attention` in float32.

    In bfloat16 attention's backward takes torch 2.13 six times as long there. Backward, outside, follows what forward
    did. For the whole process while it lasts: not for threads that attend to something else.
    """
    attention = functional.scaled_dot_product_attention

    def in_float32(*arguments: Any, **named: Any) -> Any:
        with torch.autocast("cpu", enabled=False):
            return attention(*map(_float32, arguments), **{name: _float32(each) for name, each in named.items()})

    functional.scaled_dot_product_attention = in_float32
    try:
        with torch.autocast("cpu", torch.bfloat16):
            yield
    finally:
        functional.scaled_dot_product_attention = attention


def _float32(value: Any) -> Any:
    return value.float() if isinstance(value, torch.Tensor) and value.dtype == torch.bfloat16 else value
