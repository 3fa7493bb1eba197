"""How well words are translated, by how often training has them: there a regulariser of embeddings would show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

Tokenise = Callable[[str], str]  # words with blanks between
CLASSES = ((0, 0), (1, 1), (2, 5), (6, 20), (21, 100), (101, None))  # occurrences in training, both ends included


def names_of_classes() -> list[str]:
    """0, 1, 2–5, …"""
    return [f"over {low - 1}" if high is None else f"{low}–{high}" if low < high else f"{low}" for low, high in CLASSES]


def count_words(lines: Iterable[str], tokenise: Tokenise) -> Counter[str]:
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(tokenise(line.rstrip("\n")).split())
    return counts


def f_measures(
    hypotheses: Sequence[str], references: Sequence[str], training: Counter[str], tokenise: Tokenise
) -> list[float | None]:
    """F1 of the words of each of `CLASSES`: 2 m / (h + r), with h and r their occurrences in hypotheses and references,
    and m those that match, sentence by sentence, each word as often as both have it (compare-mt, Neubig et al. 2019).

    None where neither has any.
    """
    matched, seen = [0] * len(CLASSES), [0] * len(CLASSES)
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        ours, theirs = (Counter(tokenise(line).split()) for line in (hypothesis, reference))
        for word in ours.keys() | theirs.keys():
            place = _class_of(training[word])
            matched[place] += min(ours[word], theirs[word])
            seen[place] += ours[word] + theirs[word]
    return [2 * match / count if count else None for match, count in zip(matched, seen, strict=True)]


def _class_of(count: int) -> int:
    return next(i for i, (_, high) in enumerate(CLASSES) if high is None or count <= high)
