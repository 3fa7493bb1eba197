"""Matrices of edges against slow loops, and the graphs made of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from small_graphs import edges_of, vocabulary

from sse_nmt.graphs.coverage import Coverage, reach
from sse_nmt.graphs.weighted_edges import EdgeList, as_graph, matrix_of, strongest, symmetric


def some_edges(count: int = 400, rows: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(5)
    return draw.integers(0, rows, count), draw.integers(0, rows, count), draw.integers(1, 9, count) / 8


def test_of_an_edge_given_twice_the_larger_weight_counts():
    edges = EdgeList()
    wanted = np.zeros((20, 20), dtype=np.float32)
    for source, target, weight in zip(*some_edges(), strict=True):
        edges.add(source, target, weight)
        if source != target:
            wanted[source, target] = max(wanted[source, target], weight)
    assert np.array_equal(edges.matrix(20).toarray(), wanted)
    assert np.array_equal(matrix_of(20, *some_edges()).toarray(), wanted)
    assert np.array_equal(symmetric(edges.matrix(20)).toarray(), np.maximum(wanted, wanted.T))


def test_no_edges():
    matrix = EdgeList().matrix(6)
    assert matrix.shape == (6, 6) and matrix.nnz == strongest(matrix, 3).nnz == as_graph(matrix).edges == 0


@pytest.mark.parametrize("most", [1, 3, 100])
def test_the_strongest_of_each_row(most):
    """With many equal weights and rows of any length."""
    matrix = matrix_of(20, *some_edges())
    wanted = matrix.toarray()
    for row in wanted:
        row[np.argsort(-np.where(row > 0, row, -1), kind="stable")[most:]] = 0
    assert np.array_equal(strongest(matrix, most).toarray(), wanted)


def test_a_graph_among_candidates_says_whether_it_is_symmetric():
    words = vocabulary("a", "b", "c")
    matrix = matrix_of(7, [4, 5, 5], [5, 4, 6], [0.5, 0.5, 1.0])
    assert edges_of(matrix, words) == {("a", "b"): 0.5, ("b", "a"): 0.5, ("b", "c"): 1.0}
    assert not as_graph(matrix).symmetric
    graph = as_graph(matrix, np.arange(7) < 6)
    assert graph.symmetric and graph.edges == 2 and graph.candidates.tolist() == [True] * 6 + [False]


def test_coverage_counts_rows_and_running_tokens():
    words = vocabulary("a", "b", "c", "d")  # 1, 2, 3 and 4 times
    matrix = sparse.csr_array(([0.5, 0.5, 1.0], ([5, 5, 7], [4, 6, 6])), shape=(8, 8))
    graph = as_graph(matrix)
    assert Coverage.of(graph, words) == Coverage(4, 2, 1.5, 0.6)
    assert str(Coverage.of(graph, words)) == (
        "2 of 4 rows with neighbours, mean degree 1.5, 60.0% of running tokens covered"
    )
    assert reach(graph) == "2 of 8 rows with neighbours, mean degree 1.5"
    among = as_graph(matrix, np.isin(np.arange(8), [4, 5, 6]))
    assert Coverage.of(among, words) == Coverage(3, 1, 2.0, 2 / 6)
    assert reach(among) == "1 of 3 rows with neighbours, mean degree 2.0"
