"""Rows of one word in other spelling, and on request of its other forms."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from itertools import permutations

from sse_nmt.graphs.lemmas import lemmas
from sse_nmt.graphs.options import SpellingOptions
from sse_nmt.graphs.weighted_edges import EdgeList, Matrix
from sse_nmt.graphs.whole_words import spelled, whole_words
from sse_nmt.system.options import check_options
from sse_nmt.text.dictionary import Vocabulary

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})  # casefold() makes ss of ß


def spelling_matrix(vocabulary: Vocabulary, options: SpellingOptions) -> Matrix:
    """(V, V): tokens are neighbours that differ only in casing, ▁, ä for ae or ß for ss; of less weight, in accents.

    With languages in ``options.lemmas_of`` so are, of less weight as well, whole words of one lemma.

    Raises:
        UserError: an option out of range, or lemmas that cannot be had.
    """
    check_options(options)
    edges = EdgeList()
    for weight, key in ((1.0, _without_casing), (options.accent_weight, _without_accents)):
        _join(edges, _keys(vocabulary, key), weight)
    if options.lemmas_of is not None:
        words = whole_words(vocabulary)
        found = lemmas(words, options.lemmas_of)
        _join(edges, ((words[word], lemma) for word, lemma in found), options.lemma_weight)
    return edges.matrix(len(vocabulary))


def _keys(vocabulary: Vocabulary, key: Callable[[str], str]) -> Iterable[tuple[int, str]]:
    return ((row, key(spelled(token))) for token, row in vocabulary.rows.items())


def _join(edges: EdgeList, keys: Iterable[tuple[int, Hashable]], weight: float) -> None:
    """An edge each way between all rows of one key; the empty key is none."""
    groups = defaultdict(list)
    for row, key in keys:
        groups[key].append(row)
    groups.pop("", None)
    for rows in groups.values():
        for source, target in permutations(rows, 2):
            edges.add(source, target, weight)


def _without_casing(word: str) -> str:
    """Straße, STRASSE -> strasse; Öl, oel -> oel."""
    return unicodedata.normalize("NFC", word).casefold().translate(_UMLAUTS)


def _without_accents(word: str) -> str:
    """Öl -> ol; café -> cafe."""
    letters = unicodedata.normalize("NFD", word.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
