"""Splitting documents into training, validation and test text that do not overlap."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence

from sse_nmt.corpora.pairs import Document, Pair, Splits


def split_by_document(documents: Sequence[Document], valid: int, test: int, seed: int, removed: Counter[str]) -> Splits:
    """Whole documents go to test and valid, in seeded order, until each holds its number of pairs; the rest trains.

    Validation and test pairs whose source or target also stands in training, and test pairs whose source or
    target stands in validation, are dropped and counted under "also in training" and "also in validation".
    Training pairs come back in seeded random order.
    """
    shuffled = sorted(documents, key=lambda document: document.name)
    generator = random.Random(seed)
    generator.shuffle(shuffled)
    rest = iter(shuffled)
    test_pairs = _take(rest, test)
    valid_pairs = _take(rest, valid)
    train_pairs = [pair for document in rest for pair in document.pairs]
    generator.shuffle(train_pairs)
    valid_pairs = drop_seen(valid_pairs, train_pairs, "also in training", removed)
    test_pairs = drop_seen(test_pairs, train_pairs, "also in training", removed)
    test_pairs = drop_seen(test_pairs, valid_pairs, "also in validation", removed)
    return Splits(train_pairs, valid_pairs, test_pairs)


def drop_seen(pairs: Sequence[Pair], seen: Sequence[Pair], rule: str, removed: Counter[str]) -> list[Pair]:
    """The pairs of which neither side occurs in ``seen``."""
    sources = {source for source, _ in seen}
    targets = {target for _, target in seen}
    kept = [pair for pair in pairs if pair[0] not in sources and pair[1] not in targets]
    removed[rule] += len(pairs) - len(kept)
    return kept


def _take(documents: Iterator[Document], count: int) -> list[Pair]:
    taken: list[Pair] = []
    while len(taken) < count:
        document = next(documents, None)
        if document is None:
            break
        taken.extend(document.pairs)
    return taken
