"""The transition against equation (5): its matrix exactly, its draws by chi-squared tests."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from sse_nmt.methods.sse import UniformTransition

CANDIDATES = {"all": None, "range": range(4, 11), "scattered": [1, 4, 5, 9, 11]}


def written_out(num_embeddings: int, prob: float, candidates: list[int]) -> torch.Tensor:
    """Equation (5), entry by entry, as it stands in the paper."""
    matrix = torch.zeros(num_embeddings, num_embeddings, dtype=torch.float64)
    for j in range(num_embeddings):
        for k in range(num_embeddings):
            if j == k:
                matrix[j, k] = 1 - prob if j in candidates else 1.0
            elif j in candidates and k in candidates:
                matrix[j, k] = prob / (len(candidates) - 1)
    return matrix


def chi_squared(observed: torch.Tensor, proportions: torch.Tensor) -> float:
    """The p-value of counts that should be in those proportions."""
    expected = proportions.double() * (observed.sum() / proportions.double().sum())
    return stats.chisquare(observed.double(), expected).pvalue


@pytest.mark.parametrize("candidates", CANDIDATES.values(), ids=CANDIDATES)
@pytest.mark.parametrize("prob", [0.0, 0.01, 0.5, 1.0])
def test_probabilities_are_equation_5(candidates, prob):
    rows = list(range(12)) if candidates is None else list(candidates)
    matrix = UniformTransition(12, prob, candidates).probabilities()
    assert torch.equal(matrix, written_out(12, prob, rows))
    assert torch.allclose(matrix.sum(1), torch.ones(12, dtype=torch.float64), atol=1e-15, rtol=0)


@pytest.mark.parametrize("candidates", CANDIDATES.values(), ids=CANDIDATES)
@pytest.mark.parametrize("prob", [0.01, 0.3, 1.0])
def test_drawn_frequencies_match_the_probabilities(candidates, prob):
    transition = UniformTransition(12, prob, candidates)
    ids = torch.arange(12).repeat(40_000)
    drawn = transition.sample(ids, torch.Generator().manual_seed(5))
    for j, row in enumerate(transition.probabilities()):
        counts = torch.bincount(drawn[ids == j], minlength=12)
        possible = row > 0
        assert counts[~possible].sum() == 0
        if possible.sum() > 1:
            assert chi_squared(counts[possible], row[possible]) > 1e-4


@pytest.mark.parametrize("prob", [0.01, 0.2])
def test_positions_are_chosen_independently(prob):
    """Gaps between replacements are geometric, their number is binomial, the first and the last place fare alike."""
    transition = UniformTransition(1000, prob)
    generator = torch.Generator().manual_seed(7)
    ids = torch.zeros(20_000, 100, dtype=torch.long)
    changed = transition.sample(ids, generator) != ids
    per_place = changed.sum(0)
    expected = torch.full((100,), 20_000 * prob)
    assert chi_squared(per_place, expected) > 1e-4
    assert abs(int(changed.sum()) - 2e6 * prob) < 5 * math.sqrt(2e6 * prob * (1 - prob))
    gaps = changed.flatten().nonzero().flatten().diff()
    longest = 30
    observed = torch.bincount(gaps.clamp(max=longest), minlength=longest + 1)[1:].double()
    geometric = torch.tensor([prob * (1 - prob) ** (g - 1) for g in range(1, longest)] + [(1 - prob) ** (longest - 1)])
    assert chi_squared(observed, geometric) > 1e-4


def test_neighbouring_draws_are_uncorrelated():
    changed = (UniformTransition(50, 0.3).sample(torch.zeros(400_000, dtype=torch.long)) != 0).double()
    assert abs(torch.corrcoef(torch.stack((changed[1:], changed[:-1])))[0, 1]) < 0.01


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0), (7,), (2, 3, 5)])
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
@pytest.mark.parametrize("prob", [0.0, 0.5, 1.0])
def test_shape_type_and_input_are_kept(shape, dtype, prob):
    ids = torch.randint(12, shape).to(dtype)
    before = ids.clone()
    drawn = UniformTransition(12, prob).sample(ids)
    assert drawn.shape == ids.shape and drawn.dtype == dtype and drawn.device == ids.device
    assert torch.equal(ids, before)
    if ids.numel():
        assert drawn.data_ptr() != ids.data_ptr()


def test_strided_ids_are_read_in_their_order():
    ids = torch.arange(12).reshape(3, 4).t()
    assert torch.equal(UniformTransition(12, 1e-300).sample(ids), ids)


def test_probability_1_never_keeps_a_candidate():
    ids = torch.randint(12, (10_000,))
    drawn = UniformTransition(12, 1.0, range(4, 12)).sample(ids)
    assert torch.equal(drawn[ids < 4], ids[ids < 4])
    assert (drawn[ids >= 4] != ids[ids >= 4]).all() and (drawn[ids >= 4] >= 4).all()


@pytest.mark.parametrize("prob", [1e-300, 1e-12])
def test_tiny_probabilities_replace_nothing_here(prob):
    ids = torch.randint(12, (100_000,))
    assert torch.equal(UniformTransition(12, prob).sample(ids), ids)


def test_two_candidates_swap():
    assert UniformTransition(5, 1.0, [2, 4]).sample(torch.arange(5)).tolist() == [0, 1, 4, 3, 2]


def test_same_seed_same_draws():
    transition, ids = UniformTransition(100, 0.3), torch.randint(100, (1000,))
    one, same, other = (transition.sample(ids, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_own_generator_leaves_torchs_alone():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    UniformTransition(100, 0.5).sample(torch.arange(100), torch.Generator().manual_seed(1))
    assert torch.equal(torch.rand(4), expected)


def test_no_state_dict_entries_and_no_state_of_size_v_squared():
    transition = UniformTransition(1_000_000, 0.01)
    assert not transition.state_dict()
    assert sum(buffer.numel() for buffer in transition.buffers()) <= 2_000_000


@pytest.mark.parametrize("prob", [-0.1, 1.1, float("nan")])
def test_probability_outside_0_1_is_refused(prob):
    with pytest.raises(ValueError, match=rf"^`prob` must be in \[0, 1\], but is {prob} instead\.$"):
        UniformTransition(12, prob)


@pytest.mark.parametrize(("candidates", "count"), [([], 0), ([3], 1), ([3, 3], 1)])
def test_fewer_than_two_candidates_are_refused(candidates, count):
    with pytest.raises(ValueError, match=f"^`candidates` must hold at least two rows, but holds {count} instead\\.$"):
        UniformTransition(12, 0.1, candidates)


@pytest.mark.parametrize("outside", [-1, 12])
def test_candidates_outside_the_table_are_refused(outside):
    with pytest.raises(ValueError, match=rf"^`candidates` must be in \[0, 12\), but {outside} is among them\.$"):
        UniformTransition(12, 0.1, [3, 4, outside])
