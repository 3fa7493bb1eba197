"""Graphs: what is refused, each with its whole sentence, and how they are made of edges."""

from __future__ import annotations

import pytest
import torch

from sse_nmt.methods.sse import KnowledgeGraph


def graph(offsets, neighbours, weights=None, candidates=None, symmetric=False) -> KnowledgeGraph:
    return KnowledgeGraph(
        torch.tensor(offsets),
        torch.tensor(neighbours, dtype=torch.int32),
        None if weights is None else torch.tensor(weights, dtype=torch.float32),
        None if candidates is None else torch.tensor(candidates),
        symmetric,
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([0], []), "`offsets` must have 2 to 2147483648 entries, but has 1 instead."),
        (([1, 1], [0]), "`offsets` must go from 0 to 1, the number of neighbours, but goes from 1 to 1 instead."),
        (([0, 2], [0]), "`offsets` must go from 0 to 1, the number of neighbours, but goes from 0 to 2 instead."),
        (([0, 2, 1, 2], [1, 2]), "`offsets` must not descend, but does."),
        (([0, -(2**63), 2**63 - 1, 2], [1, 2]), "`offsets` must not descend, but does."),
        (([0, 1, 1], [2]), "`neighbours` must be in [0, 2), but 2 is among them."),
        (([0, 1, 1], [-1]), "`neighbours` must be in [0, 2), but -1 is among them."),
        (([0, 2, 2, 2], [2, 1]), "`neighbours` must ascend within each row, but do not."),
        (([0, 2, 2, 2], [1, 1]), "`neighbours` must ascend within each row, but do not."),
        (([0, 1, 2], [1, 1]), "`neighbours` must not hold the row itself, but those of 1 do."),
        (([0, 1, 2], [1, 0], [0.5]), "`weights` must have 2 entries, but has 1 instead."),
        (([0, 1, 2], [1, 0], [0.5, 0.0]), "`weights` must be in (0, 1], but 0.0 is among them."),
        (([0, 1, 2], [1, 0], [1.5, 1.0]), "`weights` must be in (0, 1], but 1.5 is among them."),
        (([0, 1, 2], [1, 0], [float("nan"), 1.0]), "`weights` must be in (0, 1], but nan is among them."),
        (([0, 1, 2], [1, 0], None, [True]), "`candidates` must have 2 entries, but has 1 instead."),
        (
            ([0, 1, 1], [1], None, None, True),
            "A symmetric graph must have every edge both ways and of one weight, but this one has not.",
        ),
        (
            ([0, 1, 2], [1, 0], [0.5, 0.25], None, True),
            "A symmetric graph must have every edge both ways and of one weight, but this one has not.",
        ),
        (
            ([[0, 1]], [1]),
            "`offsets` must be a vector of torch.int64, but is of torch.int64 and shape (1, 2) instead.",
        ),
        (
            ([0.0, 1.0], [1]),
            "`offsets` must be a vector of torch.int64, but is of torch.float32 and shape (2,) instead.",
        ),
    ],
)
def test_what_is_no_graph_is_refused(arguments, sentence):
    with pytest.raises(ValueError) as error:
        graph(*arguments)
    assert str(error.value) == sentence


def test_rows_without_neighbours_and_no_edges_at_all():
    assert graph([0, 0, 0], []).degrees.tolist() == [0, 0]
    assert graph([0, 0, 1, 1], [2]).degrees.tolist() == [0, 1, 0]
    assert graph([0, 0, 0], [], symmetric=True).edges == 0


def test_edges_in_any_order_the_largest_weight_of_each_counts():
    made = KnowledgeGraph.from_edges(
        4, torch.tensor([2, 0, 2, 0]), torch.tensor([1, 3, 1, 1]), torch.tensor([0.5, 1, 0.7, 0.2])
    )
    assert made.offsets.tolist() == [0, 2, 2, 3, 3] and made.neighbours.tolist() == [1, 3, 1]
    assert made.weights.tolist() == pytest.approx([0.2, 1, 0.7])
    neighbours, weights = made.of(0)
    assert neighbours.tolist() == [1, 3] and weights.tolist() == pytest.approx([0.2, 1])
    assert [len(part) for part in made.of(3)] == [0, 0]


def test_symmetric_edges_go_both_ways_with_the_larger_weight():
    made = KnowledgeGraph.from_edges(
        3, torch.tensor([0, 1]), torch.tensor([1, 0]), torch.tensor([0.5, 0.25]), symmetric=True
    )
    assert made.symmetric and made.neighbours.tolist() == [1, 0] and made.weights.tolist() == [0.5, 0.5]


def test_weights_that_are_all_1_are_none():
    assert KnowledgeGraph.from_edges(3, torch.tensor([0]), torch.tensor([1]), torch.tensor([1.0])).weights is None


def test_no_edges():
    none = torch.tensor([], dtype=torch.long)
    assert KnowledgeGraph.from_edges(3, none, none).degrees.tolist() == [0, 0, 0]


@pytest.mark.parametrize(("ends", "outside"), [(([0], [3]), 3), (([-1], [1]), -1)])
def test_edges_outside_the_table_are_refused(ends, outside):
    with pytest.raises(ValueError) as error:
        KnowledgeGraph.from_edges(3, *map(torch.tensor, ends))
    assert str(error.value) == f"An edge must join rows in [0, 3), but {outside} is among them."


WHOLE, HALVES = torch.tensor([0, 1]), torch.tensor([0.5, 1.0])


@pytest.mark.parametrize(
    ("edges", "sentence"),
    [
        ((HALVES, WHOLE), "`sources` must be whole numbers, but are of torch.float32 instead."),
        ((WHOLE, WHOLE > 0), "`targets` must be whole numbers, but are of torch.bool instead."),
        ((WHOLE, WHOLE.flip(0), torch.ones(3)), "with shapes [(2,), (2,), (3,)]"),
        ((WHOLE, WHOLE[:1]), "with shapes [(2,), (1,)]"),
        ((WHOLE[None], WHOLE[None]), "with shapes [(1, 2), (1, 2)]"),
    ],
)
def test_ends_and_weights_that_do_not_go_together(edges, sentence):
    with pytest.raises(ValueError) as error:
        KnowledgeGraph.from_edges(3, *edges)
    whole = f"Sources, targets and weights must be as many and in one dimension, but came {sentence}."
    assert str(error.value) == (whole if sentence.startswith("with") else sentence)


def test_symmetry_is_checked_on_large_graphs_too():
    generator = torch.Generator().manual_seed(1)
    ends = torch.randint(100_000, (2, 200_000), generator=generator)
    ends = ends[:, ends[0] != ends[1]]
    made = KnowledgeGraph.from_edges(
        100_000, *ends, torch.rand(ends.shape[1], generator=generator) * 0.9 + 0.1, symmetric=True
    )
    one_way = KnowledgeGraph.from_edges(100_000, *ends)
    with pytest.raises(ValueError):
        KnowledgeGraph(one_way.offsets, one_way.neighbours, symmetric=True)
    assert made.edges > one_way.edges
