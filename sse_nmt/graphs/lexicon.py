"""A graph from a list of words that may stand for each other."""

from __future__ import annotations

from pathlib import Path

from sse_nmt.graphs.text_lines import columns
from sse_nmt.graphs.token_resolver import TokenResolver
from sse_nmt.graphs.weighted_edges import EdgeList, Matrix, symmetric
from sse_nmt.graphs.whole_words import whole_words
from sse_nmt.text.dictionary import Vocabulary


def lexicon_matrix(path: Path, vocabulary: Vocabulary) -> tuple[Matrix, TokenResolver]:
    """(V, V) from lines ``word<TAB>word``, both ways and all of weight 1, and which words are single pieces.

    A word is looked up as it is written; the other pairs, of words that are several pieces, have no edge.

    Raises:
        UserError: no such file, or a line that is no pair of words.
    """
    resolver, edges = TokenResolver(whole_words(vocabulary), "words are single pieces"), EdgeList()
    for _, (word, other) in columns(path, "a word list", "word<TAB>word", (2,)):
        source, target = resolver.find(word), resolver.find(other)
        if source >= 0 and target >= 0:
            edges.add(source, target, 1.0)
    return symmetric(edges.matrix(len(vocabulary))), resolver
