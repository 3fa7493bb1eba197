"""How graphs are built, with every default."""

from __future__ import annotations

from dataclasses import dataclass

SIDES = ("source", "target", "both")
PARTS = ("encoder", "decoder")


@dataclass(frozen=True)
class PivotOptions:
    """Paraphrases through the other language."""

    side: str = "both"  # whose tokens become each other's neighbours
    top: int = 10  # most neighbours of a row
    least: float = 0.01  # least p(e'|e)
    sample: int = 200_000  # most pairs that are aligned
    seed: int = 1


@dataclass(frozen=True)
class EmbeddingOptions:
    """Nearest neighbours by cosine."""

    part: str = "encoder"  # whose table, in a checkpoint
    top: int = 10  # most neighbours of a row
    least: float = 0.3  # a neighbour's cosine is above it
    of_words: bool = False  # vectors are those of words without ▁


@dataclass(frozen=True)
class SpellingOptions:
    """One word in other spelling; what only casing, ▁ or ä for ae tells apart has weight 1."""

    accent_weight: float = 0.5  # of a word without its accents: a for ä
    lemma_weight: float = 0.5  # of another form of the word
    lemmas_of: str | None = None  # languages whose forms count, separated by commas


@dataclass(frozen=True)
class ShowOptions:
    top: int = 10  # most neighbours printed
