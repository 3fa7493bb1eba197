"""Several graphs over one vocabulary as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sse_nmt.graphs.graph_file import GraphFile, load_graph
from sse_nmt.graphs.weighted_edges import Matrix, as_graph
from sse_nmt.methods.sse import KnowledgeGraph
from sse_nmt.system.errors import UserError


def merge_graphs(parts: Sequence[tuple[Path, float]]) -> GraphFile:
    """Every edge of every graph, its weight times that of its graph; of an edge in several the largest weight counts.

    Only rows that are candidates in all graphs are candidates.

    Raises:
        UserError: a file that is no graph or is over another vocabulary, or a weight out of range.
    """
    for path, weight in parts:
        if not 0.0 < weight <= 1.0:
            raise UserError(f"The weight of {path} must be in (0, 1], but is {weight} instead.")
    (first, weight), *rest = parts
    file = load_graph(first)
    matrix, candidates, sources = _matrix(file.graph) * weight, _candidates(file.graph), [file.about]
    for path, weight in rest:
        other = load_graph(path)
        other.check_tokens(path, file.tokens, f"the vocabulary of {first}")
        matrix = matrix.maximum(_matrix(other.graph) * weight)
        candidates &= _candidates(other.graph)
        sources.append(other.about)
    matrix.eliminate_zeros()  # where a weight was too small to be made smaller
    about = {
        "builder": "merge",
        "graphs": [
            {"file": str(path), "weight": weight, "about": source}
            for (path, weight), source in zip(parts, sources, strict=True)
        ],
    }
    return GraphFile(as_graph(matrix, None if candidates.all() else candidates), file.tokens, about)


def _matrix(graph: KnowledgeGraph) -> Matrix:
    weights = np.ones(graph.edges, dtype=np.float32) if graph.weights is None else graph.weights.numpy()
    shape = (graph.rows, graph.rows)
    return sparse.csr_array((weights, graph.neighbours.numpy(), graph.offsets.numpy()), shape=shape, copy=True)


def _candidates(graph: KnowledgeGraph) -> NDArray[np.bool_]:
    return np.ones(graph.rows, dtype=np.bool_) if graph.candidates is None else graph.candidates.numpy().copy()
