"""A criterion whose model multiplies matrices in bfloat16, on a processor."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional

from sse_nmt.system.errors import OptionError

logger = logging.getLogger(__name__)


def announce() -> None:
    """Say what it is, and that it may be slower here."""
    logger.info("matrix products in bfloat16; attention, losses and parameters in float32")
    has_amx = getattr(torch.cpu, "_is_amx_tile_supported", bool)
    if not has_amx():
        logger.warning("this processor has no AMX: without `--cpu-bf16` the training may be faster here")


def in_bfloat16(criterion: Callable[..., Any]) -> Callable[..., Any]:
    """The criterion under autocast, for a batch on the processor; backward follows what forward did.

    Raises:
        OptionError: a batch on another device.
    """

    def called(model: Any, sample: dict[str, Any], *rest: Any, **named: Any) -> Any:
        device = sample["target"].device.type
        if device != "cpu":
            raise OptionError(f"`--cpu-bf16` is for a training on CPU, but this one is on {device}: use `--bf16`.")
        with torch.autocast("cpu", torch.bfloat16), attention_in_float32():
            return criterion(model, sample, *rest, **named)

    return called


@contextmanager
def attention_in_float32() -> Iterator[None]:
    """In bfloat16 it takes torch 2.13 six times as long to go backward through attention."""
    attention = functional.scaled_dot_product_attention

    def in_float32(*arguments: Any, **named: Any) -> Any:
        with torch.autocast("cpu", enabled=False):
            return attention(*map(_float32, arguments), **{name: _float32(each) for name, each in named.items()})

    functional.scaled_dot_product_attention = in_float32
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = attention


def _float32(value: Any) -> Any:
    return value.float() if isinstance(value, torch.Tensor) and value.dtype == torch.bfloat16 else value
