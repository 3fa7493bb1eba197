"""Small vocabularies, and graphs over them read as a person would."""

from __future__ import annotations

from sse_nmt.graphs.weighted_edges import Matrix
from sse_nmt.text.dictionary import SPECIAL, Vocabulary


def vocabulary(*tokens: str) -> Vocabulary:
    """Each token stands as often as its place says: the first once, the second twice."""
    return Vocabulary((*SPECIAL, *tokens), (*(1,) * len(SPECIAL), *range(1, len(tokens) + 1)))


def edges_of(matrix: Matrix, words: Vocabulary) -> dict[tuple[str, str], float]:
    edges = matrix.tocoo()
    ends = zip(*(places.tolist() for places in edges.coords), strict=True)
    named = [(words.tokens[source], words.tokens[target]) for source, target in ends]
    return dict(zip(named, [round(weight, 6) for weight in edges.data.tolist()], strict=True))


def both_ways(edges: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    return {**edges, **{(target, source): weight for (source, target), weight in edges.items()}}
