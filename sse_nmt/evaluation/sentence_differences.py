"""Sentences that two systems translate most differently, with the words in which they differ."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu.metrics import CHRF

Part = tuple[str, bool]  # words, and whether the other side lacks them


@dataclass(frozen=True)
class SentenceDifference:
    """``gain``: in chrF of the sentence, of the system over the baseline."""

    number: int  # of the sentence, from 1
    reference: str
    baseline: list[Part]
    system: list[Part]
    gain: float


def most_different(
    baseline: Sequence[str], system: Sequence[str], references: Sequence[str], count: int
) -> list[SentenceDifference]:
    """The ``count`` largest gains, then the ``count`` largest losses."""
    metric = CHRF()
    gains = [
        metric.sentence_score(own, [reference]).score - metric.sentence_score(theirs, [reference]).score
        for theirs, own, reference in zip(baseline, system, references, strict=True)
    ]
    order = sorted(range(len(gains)), key=gains.__getitem__)
    chosen = [i for i in reversed(order[-count:]) if gains[i] > 0] + [i for i in order[:count] if gains[i] < 0]
    return [SentenceDifference(i + 1, references[i], *marked(baseline[i], system[i]), gain=gains[i]) for i in chosen]


def marked(one: str, other: str) -> tuple[list[Part], list[Part]]:
    """Both in parts of words, those marked that the other does not have in that place."""
    words, others = one.split(), other.split()
    parts: tuple[list[Part], list[Part]] = ([], [])
    for kind, a, b, c, d in difflib.SequenceMatcher(None, words, others, autojunk=False).get_opcodes():
        for side, text in zip(parts, (words[a:b], others[c:d]), strict=True):
            if text:
                side.append((" ".join(text), kind != "equal"))
    return parts
