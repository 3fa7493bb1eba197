"""A criterion whose model multiplies matrices in bfloat16, on a processor."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from sse_nmt.methods.precision import bfloat16_is_faster, cpu_bfloat16
from sse_nmt.system.errors import OptionError

logger = logging.getLogger(__name__)


def announce() -> None:
    """Say what it is, and that it may be slower here."""
    logger.info("matrix products in bfloat16; attention, losses and parameters in float32")
    if not bfloat16_is_faster():
        logger.warning("bfloat16 is not known to be faster on this processor: without `--cpu-bf16` the training may be")


def in_bfloat16(criterion: Callable[..., Any]) -> Callable[..., Any]:
    """The criterion under `cpu_bfloat16`.

    Raises:
        OptionError: a batch on another device.
    """

    def called(model: Any, sample: dict[str, Any], *rest: Any, **named: Any) -> Any:
        device = sample["target"].device.type
        if device != "cpu":
            raise OptionError(f"`--cpu-bf16` is for a training on CPU, but this one is on {device}: use `--bf16`.")
        with cpu_bfloat16():
            return criterion(model, sample, *rest, **named)

    return called
