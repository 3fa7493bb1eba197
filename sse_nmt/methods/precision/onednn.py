"""Products of float32 matrices by oneDNN on a processor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch.nn import functional

_MATMUL = cast(Any, torch.backends.mkldnn).matmul  # its stubs lack it
_SIDE = 256  # of a matrix that is large enough for torch to ask oneDNN


@contextmanager
def onednn_products() -> Iterator[bool]:
    """Products of float32 matrices by oneDNN in place of MKL, forward and backward, those of attention aside.

    MKL has kernels for AVX-512, but takes those for AVX2 on processors of other makers than its own; oneDNN's are twice
    as fast there. Attention multiplies many small matrices, for which oneDNN takes three times as long. torch's switch,
    `torch.backends.mkldnn.matmul.fp32_precision`, allows oneDNN to round to bfloat16: it does so with AMX.

    For the whole process while it lasts. Yields whether it is so: not where oneDNN rounds.
    """
    attention, before = functional.scaled_dot_product_attention, _switch()
    _set_switch("bf16")
    try:
        exact = not _rounds()
        if exact:
            functional.scaled_dot_product_attention = _by_mkl(attention, before)
        else:
            _set_switch(before)
        yield exact
    finally:
        functional.scaled_dot_product_attention = attention
        _set_switch(before)


def _by_mkl(attention: Any, before: str) -> Any:
    """Attention that switches oneDNN off for itself, and for its backward."""

    def off(*_: Any) -> None:
        _set_switch(before)

    def on(*_: Any) -> None:
        _set_switch("bf16")

    def attend(*arguments: Any, **named: Any) -> Any:
        off()
        try:
            output = attention(*arguments, **named)
        finally:
            on()
        if output.grad_fn is not None:
            output.grad_fn.register_prehook(off)
            output.grad_fn.register_hook(on)
        return output

    return attend


def _rounds() -> bool:
    """Whether a product is one of bfloat16, in which one and a bit of float32's is one."""
    matrix = torch.full((_SIDE, _SIDE), 1.0 + 2.0**-12)
    return not torch.equal(matrix @ torch.eye(_SIDE), matrix)


def _switch() -> str:
    return str(_MATMUL.fp32_precision)


def _set_switch(value: str) -> None:
    _MATMUL.fp32_precision = value
