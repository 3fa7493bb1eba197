"""Which token translates which, how often: word alignment by FastAlign (Dyer et al., 2013) as sil-thot has it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sse_nmt.graphs.weighted_edges import Matrix
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import Progress, bar

Rows = NDArray[np.int32]  # a sentence, as rows of the vocabulary; -1 for what is none of its words
RowPair = tuple[Rows, Rows]

_ITERATIONS = 5  # FastAlign's own default
_AT_ONCE = 1000  # pairs
_MOST_KEYS = 1 << 22  # links held before they are added up


def count_links(pairs: Sequence[RowPair], rows: int) -> Matrix:
    """(rows, rows): how often source token e and target token f are linked by both directions' best alignments.

    Raises:
        UserError: sil-thot is not installed.
    """
    if importlib.util.find_spec("thot") is None:
        raise UserError("`graph build pivot` needs sil-thot, which is not installed (pip install 'sse_nmt[graphs]').")
    counts = sparse.csr_array((rows, rows), dtype=np.float32)
    keys: list[NDArray[np.int64]] = []
    held = 0
    for source, target in _links(pairs):
        known = (source >= 0) & (target >= 0)
        keys.append(source[known].astype(np.int64) * rows + target[known])
        held += len(keys[-1])
        if held > _MOST_KEYS:
            counts, keys, held = counts + _counted(keys, rows), [], 0
    return counts + _counted(keys, rows)


def _counted(keys: list[NDArray[np.int64]], rows: int) -> Matrix:
    found, counts = np.unique(np.concatenate([*keys, np.empty(0, np.int64)]), return_counts=True)
    return sparse.csr_array((counts.astype(np.float32), np.divmod(found, rows)), shape=(rows, rows))


def _links(pairs: Sequence[RowPair]) -> Iterator[RowPair]:
    """For each pair the linked source and target tokens, in step."""
    from thot import alignment

    steps = iter(bar(range(2 * _ITERATIONS), "aligning", "iterations"))
    forward, backward = (_train(alignment, pairs, swapped, steps) for swapped in (False, True))
    aligner = alignment.SymmetrizedAligner(forward, backward)
    aligner.heuristic = alignment.SymmetrizationHeuristic.INTERSECTION
    with Progress(len(pairs), "counting links", "pairs") as progress:
        for start in range(0, len(pairs), _AT_ONCE):
            some = pairs[start : start + _AT_ONCE]
            words = [[_words(pair[side]) for pair in some] for side in (0, 1)]
            for (source, target), (_, matrix) in zip(some, aligner.get_best_alignments(*words), strict=True):
                places = np.nonzero(matrix.to_numpy())
                yield source[places[0]], target[places[1]]
            progress.advance(len(some))


def _train(alignment: Any, pairs: Sequence[RowPair], swapped: bool, steps: Iterator[int]) -> Any:
    model = alignment.FastAlignModel()
    for source, target in pairs:
        first, second = (target, source) if swapped else (source, target)
        model.add_sentence_pair(_words(first), _words(second))
    model.start_training()
    for _ in range(_ITERATIONS):
        model.train()
        next(steps)
    model.end_training()
    return model


def _words(rows: Rows) -> list[str]:
    """Rows stand for themselves: what a token looks like is nothing to the aligner."""
    return [str(row) for row in rows.tolist()]
