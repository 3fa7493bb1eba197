"""How graphs are built, with every default."""

from __future__ import annotations

from dataclasses import dataclass

from sse_nmt.system.options import at_least, between, one_of, option, seeds

SIDES = ("source", "target", "both")
PARTS = ("encoder", "decoder")


@dataclass(frozen=True)
class PivotOptions:
    """Paraphrases through the other language."""

    side: str = option(
        "both",
        f"tokens of which side become each other's neighbours: {', '.join(SIDES)}",
        one_of(SIDES),
        metavar="SIDE",
    )
    max_neighbours: int = option(10, "keep at most so many neighbours of a token", at_least(1))
    min_weight: float = option(
        0.01, "drop a neighbour that paraphrases a token with a smaller probability", between(0, 1)
    )
    sample: int = option(200_000, "align at most so many sentence pairs", at_least(1))
    seed: int = option(1, "seed of the choice of sentence pairs", seeds())


@dataclass(frozen=True)
class EmbeddingOptions:
    """Nearest neighbours by cosine."""

    part: str = option(
        "encoder", f"whose embeddings are taken from a checkpoint: {', '.join(PARTS)}", one_of(PARTS), metavar="PART"
    )
    max_neighbours: int = option(10, "keep at most so many neighbours of a token", at_least(1))
    min_weight: float = option(0.3, "drop a neighbour whose cosine is not above this", between(0, 1, "[)"))
    of_words: bool = option(False, "the vectors are those of whole words, written without SentencePiece's ▁")


@dataclass(frozen=True)
class SpellingOptions:
    """One word in other spelling; what only casing, ▁ or ä for ae tells apart has weight 1."""

    accent_weight: float = option(
        0.5, "weight of a neighbour that differs in accents alone, such as a and ä", between(0, 1, "(]")
    )
    lemma_weight: float = option(0.5, "weight of a neighbour that is another form of the word", between(0, 1, "(]"))
    lemmas_of: str | None = option(
        None, "languages in which forms of one word are neighbours too", metavar="LANG,…", unset="none"
    )


@dataclass(frozen=True)
class ShowOptions:
    max_neighbours: int = option(10, "print at most so many neighbours of a token", at_least(1))
