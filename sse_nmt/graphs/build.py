"""What all builders end with: a file, and a line that says how far the graph reaches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sse_nmt.graphs.coverage import Coverage, reach
from sse_nmt.graphs.graph_file import GraphFile, save_graph
from sse_nmt.graphs.merge import merge_graphs
from sse_nmt.graphs.token_resolver import TokenResolver
from sse_nmt.graphs.weighted_edges import Matrix, as_graph
from sse_nmt.methods.sse import KnowledgeGraph
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import log_line
from sse_nmt.text.dictionary import Vocabulary


def write_graph(
    path: Path,
    matrix: Matrix,
    vocabulary: Vocabulary,
    about: dict[str, Any],
    resolver: TokenResolver | None = None,
    candidates: NDArray[np.bool_] | None = None,
) -> None:
    """Save the graph of ``matrix``, among the rows that are ``candidates`` (all words if None).

    ``resolver``: what the builder's file named, to be reported and remembered.

    Raises:
        UserError: no token has a neighbour.
    """
    graph = as_graph(matrix, candidates)
    if resolver is not None:
        about = {**about, "known": resolver.known, "unknown": resolver.unknown}
        log_line(str(resolver))
    _check_has_edges(graph, path)
    save_graph(path, GraphFile(graph, vocabulary.tokens, about))
    log_line(str(Coverage.of(graph, vocabulary)))


def write_merged(path: Path, parts: list[tuple[Path, float]]) -> None:
    file = merge_graphs(parts)
    _check_has_edges(file.graph, path)
    save_graph(path, file)
    log_line(reach(file.graph))


def _check_has_edges(graph: KnowledgeGraph, path: Path) -> None:
    if graph.edges == 0:
        raise UserError(
            f"{path} must get at least one edge, but no token of the dictionary has a neighbour: is the text segmented "
            "as the dictionary is, and are the thresholds low enough?"
        )
