"""A name of numpy 1 that fairseq's blocks of tokens still ask for, in that module of fairseq alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np


class _NumpyWithCompat:
    """numpy, and what `numpy.compat` had before numpy 2."""

    compat = SimpleNamespace(long=int)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def install() -> None:
    """For fairseq's language models, masked or not; does nothing where numpy has the name."""
    from fairseq.data import token_block_dataset

    if not hasattr(np, "compat"):
        token_block_dataset.np = _NumpyWithCompat()
