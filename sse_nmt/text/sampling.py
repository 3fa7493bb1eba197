"""A seeded sample of the pairs that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sse_nmt.text.bitext import Bitext
from sse_nmt.text.blocks import kept_blocks
from sse_nmt.text.pairs import SentencePair


def sample_pairs(bitexts: Sequence[Bitext], keep: NDArray[np.bool_], size: int, seed: int) -> Iterator[SentencePair]:
    """``size`` of the marked pairs (all, if there are no more) in the order of the corpora, each as likely as any."""
    kept = int(np.count_nonzero(keep))
    chosen = np.sort(np.random.default_rng(seed).choice(kept, size=min(size, kept), replace=False))
    seen, offset = 0, 0
    for bitext in bitexts:
        for block in kept_blocks(bitext, keep[offset : offset + bitext.pairs]):
            first, last = np.searchsorted(chosen, [seen, seen + len(block.source)])
            for place in chosen[first:last] - seen:
                yield block.source[place].decode(), block.target[place].decode()
            seen += len(block.source)
        offset += bitext.pairs
