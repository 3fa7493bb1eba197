"""A graph as the user has it: an edge a line."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sse_nmt.graphs.text_lines import columns
from sse_nmt.graphs.token_resolver import TokenResolver
from sse_nmt.graphs.weighted_edges import EdgeList, Matrix, symmetric
from sse_nmt.system.errors import UserError
from sse_nmt.text.dictionary import Vocabulary


def edges_matrix(path: Path, vocabulary: Vocabulary, one_way: bool = False) -> tuple[Matrix, TokenResolver]:
    """(V, V) from lines ``token<TAB>token[<TAB>weight]``, of weight 1 where none is given, and which tokens were found.

    An edge goes both ways unless ``one_way``; of an edge given twice the larger weight counts.

    Raises:
        UserError: no such file, or a line that is no edge.
    """
    resolver, edges = TokenResolver(vocabulary.rows), EdgeList()
    for number, fields in columns(path, "a list of edges", "token<TAB>token[<TAB>weight]", (2, 3)):
        weight = 1.0 if len(fields) == 2 else _weight(path, number, fields[2])
        source, target = map(resolver.find, fields[:2])
        if source >= 0 and target >= 0:
            edges.add(source, target, weight)
    matrix = edges.matrix(len(vocabulary))
    return matrix if one_way else symmetric(matrix), resolver


def _weight(path: Path, number: int, word: str) -> float:
    try:
        weight = float(np.float32(word))  # as it will be kept
    except ValueError:
        weight = 0.0
    if not 0.0 < weight <= 1.0:
        raise UserError(f"{path} must have weights in (0, 1], but that of line {number} is {word!r}.")
    return weight
