"""Pieces to fairseq's ids on all cores. It imports fairseq: only the process of fairseq-preprocess may import it.

fairseq puts each id by itself into a tensor, at some 3 µs, and leaves its own share of a file until its workers are
done with theirs, so that two processes are no faster than one. What is written is the same, byte for byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from fairseq.binarizer import BinarizeSummary, VocabularyDatasetBinarizer
from fairseq.data import indexed_dataset
from numpy.typing import NDArray

from sse_nmt.system.workers import Workers
from sse_nmt.text.blocks import BLOCK

_BYTES = 1 << 19  # of a block, about


@dataclass(frozen=True)
class EncodedBlock:
    ids: NDArray[np.int32]  # of all lines, one after the other
    ends: NDArray[np.int64]  # where in ``ids`` each line ends
    unknown: Counter[str]


def encode_file(
    input_file: str,
    dataset_impl: str,
    binarizer: VocabularyDatasetBinarizer,
    output_prefix: str,
    vocab_size: int | None = None,
    num_workers: int = 1,
) -> BinarizeSummary:
    """In the place of `FileBinarizer.multiprocess_dataset`; of ``binarizer`` only the dictionary is used."""
    words = binarizer.dict
    known = (words.indices, words.unk(), words.eos())
    builder = indexed_dataset.make_builder(
        indexed_dataset.data_file_path(output_prefix), impl=dataset_impl, vocab_size=vocab_size
    )
    summary = BinarizeSummary()
    tasks = -(-Path(input_file).stat().st_size // _BYTES)
    with open(input_file, "rb") as file, Workers(_begin, *known, count=num_workers, tasks=tasks) as workers:
        for block in workers.map(encode_block, iter(lambda: list(islice(file, BLOCK)), [])):
            for line in np.split(block.ids, block.ends[:-1]):
                builder.add_item(torch.from_numpy(line))
            summary.merge(BinarizeSummary(len(block.ends), block.unknown, len(block.ids)))
    builder.finalize(indexed_dataset.index_file_path(output_prefix))
    return summary


_indices: Mapping[str, int]  # of a worker
_unknown: int
_end: int


def _begin(indices: Mapping[str, int], unknown: int, end: int) -> None:
    global _indices, _unknown, _end
    _indices, _unknown, _end = indices, unknown, end


def encode_block(lines: list[bytes]) -> EncodedBlock:
    """Each line's ids and the end of the sentence; what the dictionary lacks is unknown."""
    ids: list[int] = []
    ends: list[int] = []
    unknown: Counter[str] = Counter()
    for line in lines:
        pieces = line.decode().split()
        found = [_indices.get(piece, _unknown) for piece in pieces]
        if _unknown in found:
            unknown.update(piece for piece in pieces if piece not in _indices)
        ids += found
        ids.append(_end)
        ends.append(len(ids))
    return EncodedBlock(np.array(ids, dtype=np.int32), np.array(ends, dtype=np.int64), unknown)
