"""Sentences that are each other's translation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SentencePair = tuple[str, str]  # source line, target line


@dataclass(frozen=True)
class Document:
    """Pairs that belong together (a page, an article) and must not be torn apart by a split."""

    name: str
    pairs: Sequence[SentencePair]


def swapped(pairs: Iterable[SentencePair]) -> list[SentencePair]:
    """The other way round: target to source."""
    return [(target, source) for source, target in pairs]
