"""The transition against equation (3): its matrix exactly, its draws by chi-squared tests."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sse_nmt.methods.sse import GraphTransition, KnowledgeGraph, UniformTransition

EXACT = 1e-8  # of p0: tables have 30 bits


def written_out(graph: KnowledgeGraph, prob: float, candidates: list[int], strength: dict[str, float]) -> torch.Tensor:
    """Equation (3), entry by entry, with the weights and masses of the methods' description."""
    rows = graph.rows
    weight = torch.zeros(rows, rows, dtype=torch.float64)
    for j in candidates:
        for k, w in zip(*(part.tolist() for part in graph.of(j)), strict=True):
            if k in candidates:
                weight[j, k] = w
    others = len(candidates) - 1
    matrix = torch.eye(rows, dtype=torch.float64)
    for j in candidates:
        near = weight[j] > 0
        rho = strength.get("rho", 1.0)
        if "neighbour_mass" in strength and near.any():
            # rho such that (d + (rho - 1) W) / (N - 1 + (rho - 1) W) = m; nothing above 1 is needed where d is enough
            mass, degree = strength["neighbour_mass"], int(near.sum())
            rho = 1 + max(0.0, (mass * others - degree) / (1 - mass)) / weight[j].sum()
        q = prob / (others + (rho - 1) * weight[j].sum())
        for k in candidates:
            matrix[j, k] = 1 - prob if j == k else q * (1 + (rho - 1) * weight[j, k])
    return matrix


@st.composite
def graphs(draw: st.DrawFn) -> tuple[KnowledgeGraph, list[int]]:
    """(graph, candidates) of up to 12 rows, now and then with a row of degree 0 or of all the others."""
    rows = draw(st.integers(2, 12))
    pairs = st.tuples(st.integers(0, rows - 1), st.integers(0, rows - 1)).filter(lambda pair: pair[0] != pair[1])
    edges = draw(st.lists(pairs, max_size=40))
    if draw(st.booleans()):
        edges += [(0, other) for other in range(1, rows)]
    ends = torch.tensor(edges, dtype=torch.long).reshape(-1, 2).t()
    weights = None
    if draw(st.booleans()):
        weights = torch.tensor(draw(st.lists(st.floats(0.01, 1), min_size=len(edges), max_size=len(edges))))
    candidates = draw(st.sets(st.integers(0, rows - 1), min_size=2))
    return KnowledgeGraph.from_edges(rows, *ends, weights, symmetric=draw(st.booleans())), sorted(candidates)


strengths = st.one_of(
    st.floats(1, 1e6).map(lambda rho: {"rho": rho}), st.floats(0, 0.999).map(lambda mass: {"neighbour_mass": mass})
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(graphs(), strengths, st.sampled_from([0.0, 0.01, 0.5, 1.0]))
def test_probabilities_are_equation_3(made, strength, prob):
    graph, candidates = made
    matrix = GraphTransition(graph.rows, prob, graph, candidates, **strength).probabilities()
    expected = written_out(graph, prob, candidates, strength)
    assert torch.allclose(matrix, expected, rtol=0, atol=EXACT * max(prob, 1e-9))
    assert torch.allclose(matrix.sum(1), torch.ones(graph.rows, dtype=torch.float64), rtol=0, atol=EXACT)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(graphs(), strengths, st.sampled_from([0.05, 1.0]))
def test_drawn_frequencies_match_the_probabilities(made, strength, prob):
    graph, candidates = made
    transition = GraphTransition(graph.rows, prob, graph, candidates, **strength)
    ids = torch.arange(graph.rows).repeat(20_000)
    drawn = transition.sample(ids, torch.Generator().manual_seed(5))
    for j, row in enumerate(transition.probabilities()):
        counts = torch.bincount(drawn[ids == j], minlength=graph.rows)
        assert counts[row == 0].sum() == 0
        # Rare ones together: the test needs some of each.
        common = row * 20_000 >= 5
        observed = [*counts[common].tolist(), int(counts[~common].sum())]
        expected = [*(row[common] * 20_000).tolist(), float(row[~common].sum()) * 20_000]
        if expected[-1] < 5:
            observed, expected = observed[:-1], expected[:-1]
            scale = sum(observed) / sum(expected)
            expected = [value * scale for value in expected]
        if len(observed) > 1:
            assert stats.chisquare(observed, expected, sum_check=False).pvalue > 1e-6


def ring(rows: int) -> KnowledgeGraph:
    each = torch.arange(rows)
    return KnowledgeGraph.from_edges(rows, each, (each + 1) % rows, symmetric=True)


@pytest.mark.parametrize("weighted", [False, True])
def test_large_weighted_rows_by_chi_squared(weighted):
    """A hub that knows all others, weights of three orders of magnitude."""
    rows = 300
    targets = torch.arange(1, rows)
    weights = torch.logspace(-3, 0, rows - 1) if weighted else None
    graph = KnowledgeGraph.from_edges(rows, torch.zeros(rows - 1, dtype=torch.long), targets, weights)
    transition = GraphTransition(rows, 1.0, graph, rho=1000)
    drawn = transition.sample(torch.zeros(600_000, dtype=torch.long), torch.Generator().manual_seed(2))
    counts = torch.bincount(drawn, minlength=rows)[1:].double()
    expected = transition.probabilities()[0, 1:] * 600_000
    assert stats.chisquare(counts, expected).pvalue > 1e-4
    if weighted:
        assert counts[-1] > 100 * counts[:10].mean()


@pytest.mark.parametrize("mass", [0.3, 0.5, 0.9, 1.0])
def test_the_mass_is_reached_in_every_row_that_has_neighbours(mass):
    graph = KnowledgeGraph.from_edges(
        50, torch.tensor([0, 0, 1, 7, 7, 7]), torch.tensor([1, 2, 9, 8, 9, 10]),
        torch.tensor([0.1, 1, 0.5, 0.2, 0.3, 0.4]),
    )  # fmt: skip
    transition = GraphTransition(50, 0.2, graph, neighbour_mass=mass)
    matrix = transition.probabilities()
    for row in range(50):
        neighbours = graph.of(row)[0].long()
        share = matrix[row, neighbours].sum() / 0.2
        assert share == pytest.approx(mass if len(neighbours) else 0, abs=1e-8)
        assert transition.neighbour_masses()[row] == pytest.approx(float(share), abs=1e-8)


def test_a_mass_below_what_sse_se_gives_is_sse_se():
    transition = GraphTransition(5, 0.5, ring(5), neighbour_mass=0.25)
    assert torch.allclose(transition.probabilities(), UniformTransition(5, 0.5).probabilities())
    assert transition.neighbour_masses().tolist() == [0.5] * 5


def test_rho_1_and_no_edges_are_sse_se():
    none = torch.tensor([], dtype=torch.long)
    plain = UniformTransition(20, 0.3, range(3, 18)).probabilities()
    for graph, strength in ((ring(20), {"rho": 1.0}), (KnowledgeGraph.from_edges(20, none, none), {"rho": 500.0})):
        transition = GraphTransition(20, 0.3, graph, range(3, 18), **strength)
        assert torch.allclose(transition.probabilities(), plain, rtol=0, atol=1e-12)
        assert stats_match(transition, plain)


def stats_match(transition: UniformTransition, matrix: torch.Tensor) -> bool:
    drawn = transition.sample(torch.full((200_000,), 10), torch.Generator().manual_seed(3))
    counts = torch.bincount(drawn, minlength=len(matrix)).double()
    possible = matrix[10] > 0
    return bool(counts[~possible].sum() == 0) and (
        stats.chisquare(counts[possible], matrix[10, possible] * 200_000).pvalue > 1e-4
    )


def test_a_clique_is_sse_se_on_it_as_the_mass_goes_to_1():
    clique = torch.combinations(torch.arange(4, 10)).t()
    graph = KnowledgeGraph.from_edges(40, *clique, symmetric=True)
    inside = UniformTransition(40, 0.3, range(4, 10)).probabilities()[4:10]
    differences = [
        float((GraphTransition(40, 0.3, graph, neighbour_mass=mass).probabilities()[4:10] - inside).abs().max())
        for mass in (0.9, 0.99, 0.999, 1.0)
    ]
    assert differences == sorted(differences, reverse=True) and differences[-1] < 1e-8 < differences[0]


def test_the_paper_s_rho_is_a_small_mass_at_32_000_rows():
    each = torch.arange(32_000)
    graph = KnowledgeGraph.from_edges(32_000, each.repeat(5), torch.cat([(each + i) % 32_000 for i in range(1, 6)]))
    assert GraphTransition(32_000, 0.01, graph, rho=500).neighbour_masses().mean() == pytest.approx(0.0725, abs=5e-4)


@pytest.mark.parametrize("strength", [{"rho": 50.0}, {"neighbour_mass": 1.0}])
def test_probability_1_never_keeps_a_candidate_and_specials_neither_leave_nor_arrive(strength):
    graph = ring(60)
    transition = GraphTransition(60, 1.0, graph, range(4, 56), **strength)
    ids = torch.randint(60, (50_000,), generator=torch.Generator().manual_seed(1))
    drawn = transition.sample(ids, torch.Generator().manual_seed(2))
    candidates = (ids >= 4) & (ids < 56)
    assert torch.equal(drawn[~candidates], ids[~candidates])
    assert (drawn[candidates] != ids[candidates]).all()
    assert drawn[candidates].min() >= 4 and drawn[candidates].max() < 56


def test_candidates_of_the_graph_and_of_the_dictionary_both_count():
    """Pieces of the other language, say."""
    graph = ring(30)
    own = torch.zeros(30, dtype=torch.bool)
    own[10:25] = True
    graph = KnowledgeGraph(graph.offsets, graph.neighbours, candidates=own, symmetric=True)
    transition = GraphTransition(30, 1.0, graph, range(4, 20), neighbour_mass=0.5)
    assert transition.candidates.tolist() == list(range(10, 20))
    ids = torch.arange(30).repeat(1000)
    drawn = transition.sample(ids)
    assert torch.equal(drawn[(ids < 10) | (ids >= 20)], ids[(ids < 10) | (ids >= 20)])
    assert set(drawn[(ids >= 10) & (ids < 20)].tolist()) == set(range(10, 20))


def test_shape_type_and_input_are_kept():
    transition = GraphTransition(12, 0.5, ring(12), neighbour_mass=0.5)
    for shape in ((), (0,), (3, 0), (2, 3, 5)):
        for dtype in (torch.int64, torch.int32):
            ids = torch.randint(12, shape).to(dtype)
            before = ids.clone()
            drawn = transition.sample(ids)
            assert drawn.shape == ids.shape and drawn.dtype == dtype and torch.equal(ids, before)


def test_half_precision_leaves_the_tables_alone():
    """A model's .half() reaches every buffer of floating point."""
    graph = KnowledgeGraph.from_edges(9, torch.tensor([0, 0]), torch.tensor([1, 2]), torch.tensor([0.3, 0.1]))
    transition = GraphTransition(9, 0.1, graph, neighbour_mass=0.7)
    before = transition.probabilities()
    assert torch.equal(transition.half().probabilities(), before)


def test_no_state_dict_entries_and_memory_of_o_v_plus_e():
    generator = torch.Generator().manual_seed(1)
    rows = 32_000
    sources = torch.arange(rows).repeat_interleave(10)
    targets = (sources + 1 + torch.randint(rows - 1, sources.shape, generator=generator)) % rows
    graph = KnowledgeGraph.from_edges(rows, sources, targets, torch.rand(len(sources), generator=generator) * 0.9 + 0.1)
    transition = GraphTransition(rows, 0.01, graph, range(4, rows), neighbour_mass=0.5)
    assert not transition.state_dict()
    assert sum(buffer.nbytes for buffer in transition.buffers()) < 10 * 2**20


@pytest.mark.slow
def test_a_million_rows_with_ten_neighbours():
    rows = 1_000_000
    sources = torch.arange(rows).repeat_interleave(10)
    targets = (sources + 1 + torch.arange(10).repeat(rows) * 77_777) % rows
    transition = GraphTransition(rows, 1.0, KnowledgeGraph.from_edges(rows, sources, targets), neighbour_mass=1.0)
    ids = torch.randint(rows, (1000,), generator=torch.Generator().manual_seed(1))
    steps = (transition.sample(ids) - ids - 1) % rows
    assert (steps % 77_777 == 0).all() and steps.max() <= 9 * 77_777


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "Either `rho` or `neighbour_mass` must be given, but not both."),
        ({"rho": 2, "neighbour_mass": 0.5}, "Either `rho` or `neighbour_mass` must be given, but not both."),
        ({"rho": 0.5}, "`rho` must be at least 1 and finite, but is 0.5 instead."),
        ({"rho": math.inf}, "`rho` must be at least 1 and finite, but is inf instead."),
        ({"rho": math.nan}, "`rho` must be at least 1 and finite, but is nan instead."),
        ({"neighbour_mass": 1.5}, "`neighbour_mass` must be in [0, 1], but is 1.5 instead."),
        ({"neighbour_mass": math.nan}, "`neighbour_mass` must be in [0, 1], but is nan instead."),
        ({"rho": 2, "candidates": [3]}, "`candidates` must hold at least two rows, but holds 1 instead."),
        ({"rho": 2, "num_embeddings": 8}, "`graph` must be for 8 rows, but is for 9 instead."),
    ],
)
def test_what_cannot_be_is_refused(arguments, sentence):
    with pytest.raises(ValueError) as error:
        GraphTransition(**{"num_embeddings": 9, "prob": 0.1, "graph": ring(9), **arguments})
    assert str(error.value) == sentence
