"""Training with the products that are quickest on this processor."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from sse_nmt.methods.precision import onednn_is_faster, onednn_products

logger = logging.getLogger(__name__)


@contextmanager
def products_of_this_machine() -> Iterator[None]:
    """`onednn_products` where they are known to be faster than torch's own, and no GPU trains."""
    if torch.cuda.is_available() or not onednn_is_faster():
        yield
        return
    with onednn_products() as switched:
        if switched:
            logger.info("matrix products in float32 by oneDNN, which is faster on this processor than MKL")
        yield
