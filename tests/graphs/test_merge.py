"""Several graphs as one, against a slow loop; and graphs shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_graphs import vocabulary

from sse_nmt.graphs.graph_file import GraphFile, save_graph
from sse_nmt.graphs.merge import merge_graphs
from sse_nmt.graphs.options import ShowOptions
from sse_nmt.graphs.show import show_graph
from sse_nmt.graphs.weighted_edges import as_graph, matrix_of
from sse_nmt.system.errors import UserError

WORDS = vocabulary("▁a", "▁b", "▁c", "d")
EDGES = {"one": [(4, 5, 1.0), (5, 6, 0.25)], "two": [(4, 5, 0.5), (6, 7, 0.5)], "all": [(5, 4, 1.0)]}
CANDIDATES = {"one": [4, 5, 6], "two": [4, 5, 6, 7], "all": None}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    for name, edges in EDGES.items():
        among = None if CANDIDATES[name] is None else np.isin(np.arange(8), CANDIDATES[name])
        graph = as_graph(matrix_of(8, *zip(*edges, strict=True)), among)
        save_graph(tmp_path / name, GraphFile(graph, WORDS.tokens, {"builder": name}))
    return {name: tmp_path / name for name in EDGES}


@pytest.mark.parametrize("weights", [{"one": 0.5, "two": 1.0}, {"one": 1.0}, {"all": 1.0}, {"two": 0.5, "all": 0.25}])
def test_the_largest_weight_counts_among_the_candidates_of_all(files, weights):
    merged = merge_graphs([(files[name], weight) for name, weight in weights.items()])
    candidates = set(range(8))
    for name in weights:
        candidates &= set(range(8) if CANDIDATES[name] is None else CANDIDATES[name])
    wanted: dict[tuple[int, int], float] = {}
    for name, factor in weights.items():
        for source, target, weight in EDGES[name]:
            if {source, target} <= candidates:
                wanted[source, target] = max(wanted.get((source, target), 0.0), factor * weight)
    found = {}
    for row in range(8):
        neighbours, weights = (values.tolist() for values in merged.graph.of(row))
        found |= {(row, other): weight for other, weight in zip(neighbours, weights, strict=True)}
    assert found == wanted and merged.tokens == WORDS.tokens
    assert (merged.graph.candidates is None) == (len(candidates) == 8)
    assert merged.graph.candidates is None or set(merged.graph.candidates.nonzero().flatten().tolist()) == candidates


def test_the_file_says_of_what_it_was_made(files):
    assert merge_graphs([(files["one"], 0.5), (files["all"], 1.0)]).about == {
        "builder": "merge",
        "graphs": [
            {"file": str(files["one"]), "weight": 0.5, "about": {"builder": "one"}},
            {"file": str(files["all"]), "weight": 1.0, "about": {"builder": "all"}},
        ],
    }


def test_graphs_that_cannot_be_merged_are_refused(files, tmp_path):
    other = tmp_path / "other"
    save_graph(other, GraphFile(as_graph(matrix_of(5, [4], [3], [1])), vocabulary("▁a").tokens))
    whole = f"{other} must be a graph over the vocabulary of {files['one']}, which has 8 rows, but is for 5 rows."
    for parts, sentence in [
        ([(files["one"], 1.0), (other, 1.0)], whole),
        ([(files["one"], 1.5)], f"The weight of {files['one']} must be in (0, 1], but is 1.5 instead."),
        ([(files["one"], 1.0), (other, 0.0)], f"The weight of {other} must be in (0, 1], but is 0.0 instead."),
        ([(tmp_path / "none", 1.0)], f"{tmp_path}/none must be a graph file, but there is no such file."),
    ]:
        with pytest.raises(UserError) as error:
            merge_graphs(parts)
        assert str(error.value) == sentence


def test_edges_too_weak_to_be_made_weaker_go(tmp_path):
    save_graph(tmp_path / "faint", GraphFile(as_graph(matrix_of(8, [4], [5], [1e-45])), WORDS.tokens))
    assert merge_graphs([(tmp_path / "faint", 0.1)]).graph.edges == 0


def test_a_graph_is_shown(files):
    assert list(show_graph(files["one"], ["a", "▁b", "d", "<pad>"], ShowOptions())) == [
        f"{files['one']}, built by one: 2 of 3 rows with neighbours, mean degree 1.0",
        "▁a: 1 neighbour",
        "  1.000  ▁b",
        "▁b: 1 neighbour",
        "  0.250  ▁c",
        "d: takes no part",
        "<pad>: takes no part",
    ]


def test_a_word_and_the_piece_within_words_are_both_shown(tmp_path):
    words = vocabulary("▁a", "a", "b")
    save_graph(tmp_path / "graph", GraphFile(as_graph(matrix_of(7, [4, 5], [6, 4], [1, 0.5])), words.tokens))
    _, *rest = show_graph(tmp_path / "graph", ["a"], ShowOptions())
    assert rest == ["▁a: 1 neighbour", "  1.000  b", "a: 1 neighbour", "  0.500  ▁a"]


def test_the_closest_neighbours_come_first(tmp_path):
    path = tmp_path / "graph"
    graph = as_graph(matrix_of(8, [4, 4, 4], [5, 6, 7], [0.5, 0.75, 0.75]))
    save_graph(path, GraphFile(graph, WORDS.tokens))
    closest = ["▁a: 3 neighbours, the closest 2", "  0.750  ▁c", "  0.750  d"]
    first, *rest = show_graph(path, ["▁a", "c"], ShowOptions(max_neighbours=2))
    assert first == f"{path}, built by hand: 1 of 8 rows with neighbours, mean degree 3.0"
    assert rest == [*closest, "▁c: 0 neighbours"]


def test_tokens_that_are_not_there_are_refused(files):
    with pytest.raises(UserError) as error:
        next(show_graph(files["one"], ["a", "e"], ShowOptions()))
    assert (
        str(error.value) == f"A token must stand in {files['one']}, as it is or with ▁ before it, but is 'e' instead."
    )
    with pytest.raises(UserError) as error:
        next(show_graph(files["one"], [], ShowOptions(max_neighbours=0)))
    assert str(error.value) == "`--max-neighbours` must be at least 1, but is 0 instead."
