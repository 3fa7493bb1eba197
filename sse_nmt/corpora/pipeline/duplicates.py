"""Which of many pairs stand there for the first time, told from their hashes in bounded memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sse_nmt.system.atomic_files import atomic_write

_AT_ONCE = 1 << 22  # hashes sorted at a time


def mark_first(hashes: Path, mask: Path) -> NDArray[np.bool_]:
    """Write a byte a pair to ``mask``: 1 for the first of each hash, 0 for the others; return it.

    The hashes go through memory share by share, a share being those of one remainder.
    """
    values = np.fromfile(hashes, dtype=np.uint64) if hashes.stat().st_size == 0 else np.memmap(hashes, np.uint64, "r")
    first = np.zeros(len(values), dtype=np.bool_)
    shares = len(values) // _AT_ONCE + 1
    for share in range(shares):
        mine = _of_share(values, share, shares)
        first[mine[np.unique(values[mine], return_index=True)[1]]] = True
    with atomic_write(mask, "wb") as file:
        first.tofile(file)
    return first


def read_mask(mask: Path) -> NDArray[np.bool_]:
    return np.fromfile(mask, dtype=np.bool_)


def _of_share(values: NDArray[np.uint64], share: int, shares: int) -> NDArray[np.int64]:
    """Where the hashes of a share stand, in order."""
    pieces = [
        start + np.flatnonzero(values[start : start + _AT_ONCE] % shares == share)
        for start in range(0, len(values), _AT_ONCE)
    ]
    return np.concatenate(pieces) if pieces else np.empty(0, dtype=np.int64)
