"""Draws by counting against the same matrices as draws from generators, and Triton's kernel against the torch form."""

from __future__ import annotations

import pytest
import torch
from counted import CANDIDATES, ROWS, transitions
from scipy import stats

from sse_nmt.methods.counter_stream import CALL, REPLACED, CounterStream
from sse_nmt.methods.sse import UniformTransition

CPU = torch.device("cpu")
CASES = {f"{name}, {which}": make for which in CANDIDATES for name, make in transitions(which).items()}


@pytest.mark.parametrize("transition", CASES.values(), ids=CASES)
def test_drawn_frequencies_match_the_probabilities(transition):
    stream = CounterStream(CPU, 5)
    ids = torch.arange(ROWS).repeat(40_000)
    drawn = transition.sample(ids, stream)
    for j, row in enumerate(transition.probabilities()):
        counts = torch.bincount(drawn[ids == j], minlength=ROWS)
        possible = row > 0
        assert counts[~possible].sum() == 0
        if possible.sum() > 1:
            assert stats.chisquare(counts[possible].double(), row[possible] * counts.sum()).pvalue > 1e-4
    assert int(stream.state[REPLACED]) == int((drawn != ids).sum())


def test_draws_of_a_stream_differ_and_a_stream_begun_again_repeats_them():
    transition, stream = UniformTransition(1000, 0.3), CounterStream(CPU, 7)
    ids = torch.zeros(50_000, dtype=torch.long)
    first, second = (transition.sample(ids, stream) for _ in range(2))
    both = torch.stack(((first != 0).double(), (second != 0).double()))
    assert abs(torch.corrcoef(both)[0, 1]) < 0.02 and int(stream.state[CALL]) == 2
    stream.begin(7)
    assert torch.equal(transition.sample(ids, stream), first)
    stream.begin(8)
    assert not torch.equal(transition.sample(ids, stream), first)


def test_neighbouring_places_are_uncorrelated():
    changed = (
        UniformTransition(50, 0.3).sample(torch.zeros(400_000, dtype=torch.long), CounterStream(CPU)) != 0
    ).double()
    assert abs(torch.corrcoef(torch.stack((changed[1:], changed[:-1])))[0, 1]) < 0.01


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0), (7,), (2, 3, 5)])
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
def test_shapes_and_types_stay(shape, dtype):
    ids = torch.full(shape, 4, dtype=dtype)
    drawn = UniformTransition(9, 1.0, range(3, 9)).sample(ids, CounterStream(CPU))
    assert drawn.shape == ids.shape and drawn.dtype == dtype and drawn is not ids
    assert bool((ids == 4).all()) and bool((drawn != 4).all())


def test_at_probability_0_nothing_is_replaced():
    ids = torch.arange(1000)
    assert torch.equal(UniformTransition(1000, 0.0).sample(ids, CounterStream(CPU)), ids)
