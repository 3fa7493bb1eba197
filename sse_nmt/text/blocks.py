"""Bitext in blocks of lines, small enough to travel between processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from sse_nmt.text.bitext import Bitext

BLOCK = 5000  # pairs


@dataclass(frozen=True)
class Block:
    """Corresponding lines, without their ends."""

    source: list[bytes]
    target: list[bytes]


def read_blocks(bitext: Bitext) -> Iterator[Block]:
    """The pairs of ``bitext`` in order; only ``\\n`` ends a line."""
    with open(bitext.source, "rb") as source, open(bitext.target, "rb") as target:
        while lines := _take(source):
            yield Block(lines, _take(target))


def count_blocks(bitext: Bitext) -> int:
    return -(-bitext.pairs // BLOCK)


def kept_blocks(bitext: Bitext, keep: NDArray[np.bool_]) -> Iterator[Block]:
    """Only the pairs that are marked in ``keep``, which has an entry for each pair."""
    start = 0
    for block in read_blocks(bitext):
        kept = np.flatnonzero(keep[start : start + len(block.source)])
        start += len(block.source)
        yield Block([block.source[i] for i in kept], [block.target[i] for i in kept])


def as_lines(texts: Iterable[str]) -> bytes:
    return "".join(text + "\n" for text in texts).encode()


def _take(file: Iterable[bytes]) -> list[bytes]:
    return [line.rstrip(b"\r\n") for line in islice(file, BLOCK)]
