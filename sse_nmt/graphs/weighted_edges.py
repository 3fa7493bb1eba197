"""What builders make, a sparse matrix of weights, and how it becomes a graph."""

from __future__ import annotations

from array import array
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from sse_nmt.methods.sse import KnowledgeGraph

Matrix: TypeAlias = sparse.csr_array  # (V, V) float32, an entry for each edge


class EdgeList:
    """Edges as they come, twelve bytes each."""

    def __init__(self) -> None:
        self._sources, self._targets, self._weights = array("i"), array("i"), array("f")

    def add(self, source: int, target: int, weight: float) -> None:
        self._sources.append(source)
        self._targets.append(target)
        self._weights.append(weight)

    def matrix(self, rows: int) -> Matrix:
        return matrix_of(rows, self._sources, self._targets, self._weights)


def matrix_of(rows: int, sources: ArrayLike, targets: ArrayLike, weights: ArrayLike) -> Matrix:
    """The edges given, the largest weight of each; no row is its own neighbour."""
    ends = np.array([sources, targets], dtype=np.int64).reshape(2, -1)
    values = np.asarray(weights, dtype=np.float32)
    other = ends[0] != ends[1]
    keys, values = ends[0, other] * rows + ends[1, other], values[other]
    order = np.lexsort((-values, keys))
    keys, values = keys[order], values[order]
    first = np.diff(keys, prepend=-1) > 0
    return sparse.csr_array((values[first], np.divmod(keys[first], rows)), shape=(rows, rows))


def strongest(matrix: Matrix, most: int) -> Matrix:
    """At most ``most`` entries of each row, those of the largest weight (of equal ones the first)."""
    matrix = matrix.tocsr().sorted_indices()
    degrees = np.diff(matrix.indptr)
    rows = np.repeat(np.arange(len(degrees)), degrees)
    order = np.lexsort((-matrix.data, rows))  # stable, and row by row
    rank = np.arange(len(order)) - matrix.indptr[rows]
    places = np.sort(order[rank < most])
    starts = np.concatenate(([0], np.cumsum(np.minimum(degrees, most))))
    return sparse.csr_array((matrix.data[places], matrix.indices[places], starts), shape=matrix.shape)


def symmetric(matrix: Matrix) -> Matrix:
    """Every edge both ways, with the larger of the two weights."""
    return matrix.maximum(matrix.T).tocsr()


def as_graph(matrix: Matrix, candidates: NDArray[np.bool_] | None = None) -> KnowledgeGraph:
    """The graph of a matrix of weights in (0, 1], among ``candidates`` (V,) alone if they are given."""
    edges = matrix.tocoo()
    source, target = (torch.from_numpy(np.asarray(ends, dtype=np.int64)) for ends in edges.coords)
    weights = torch.from_numpy(np.asarray(edges.data, dtype=np.float32))
    if candidates is not None:
        among = torch.from_numpy(candidates)
        inside = among[source] & among[target]
        source, target, weights = source[inside], target[inside], weights[inside]
    graph = KnowledgeGraph.from_edges(matrix.shape[0], source, target, weights)
    reverse = KnowledgeGraph.from_edges(matrix.shape[0], target, source, weights)
    same = torch.equal(graph.offsets, reverse.offsets) and torch.equal(graph.neighbours, reverse.neighbours)
    if same and graph.weights is not None and reverse.weights is not None:
        same = torch.equal(graph.weights, reverse.weights)
    taking = None if candidates is None else torch.from_numpy(candidates)
    return KnowledgeGraph(graph.offsets, graph.neighbours, graph.weights, taking, symmetric=same)
