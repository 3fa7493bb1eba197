"""Memory of a training without a GPU."""

from __future__ import annotations

import logging
from functools import cache

import torch

from sse_nmt.system.memory import keep_memory

logger = logging.getLogger(__name__)


@cache
def keep_memory_between_steps() -> None:
    """`keep_memory`, once, where no GPU trains; it is logged."""
    if not torch.cuda.is_available() and keep_memory():
        logger.info("memory freed in a step is kept for the next one (glibc's mallopt)")
