"""The measurements measure: their output is read back, and held against what the README says, with room for noise."""

from __future__ import annotations

import re

import pytest
import torch
from conftest import refused, sse_nmt

from sse_nmt.bench import graph_op
from sse_nmt.bench.graph_op import graph_table
from sse_nmt.bench.op import python_loop
from sse_nmt.bench.options import OpOptions, OverheadOptions
from sse_nmt.bench.overhead import training_step
from sse_nmt.bench.timing import Spread, interleaved
from sse_nmt.methods.sse import UniformTransition


def test_interleaved_takes_turns_in_both_orders():
    calls: list[str] = []
    seconds = interleaved([lambda: calls.append("a"), lambda: calls.append("b")], 4)
    assert "".join(calls) == "ab" + "abbaabba" and [len(series) for series in seconds] == [4, 4]


def test_spread():
    assert Spread.of([5, 1, 2, 3, 4]) == Spread(2, 3, 4)


def measured_op() -> tuple[float, int]:
    """(slowest V over fastest V, smallest lead over the loop), as printed."""
    done = sse_nmt("bench", "op", "--repeats", "15")
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^ *([\d,]+) +([\d.]+) \[.*?\] +([\d.]+) \[.*?\] +([\d.]+) +(\d+)x$", done.stdout, re.MULTILINE)
    assert [row[0] for row in rows] == ["8,000", "32,000", "1,000,000"]
    times = [float(row[1]) for row in rows]
    return max(times) / min(times), min(int(row[4]) for row in rows)


@pytest.mark.slow
@pytest.mark.alone
def test_op_is_flat_in_v_and_100_times_the_loop():
    """On a machine that others use as well, one good measurement in three will do."""
    assert any(spread < 2 and lead >= 100 for spread, lead in (measured_op() for _ in range(3)))


@pytest.mark.slow
@pytest.mark.alone
def test_op_is_linear_in_ids():
    transition = UniformTransition(32_000, 0.01, range(4, 32_000))
    ids = torch.randint(32_000, (4_000_000,))
    short, long = interleaved([lambda: transition.sample(ids[:1_000_000]), lambda: transition.sample(ids)], 15)
    assert 1.3 < Spread.of(long).median / Spread.of(short).median < 12


SMALLER = ((8_000, 10), (32_000, 10), (32_000, 100), (200_000, 10))  # a million rows take a while to build


def measured_graph_op() -> tuple[float, float]:
    """(slowest graph over fastest, largest of the ratios to SSE-SE), as printed; medians."""
    printed = graph_table(OpOptions(repeats=15, graph=True), "cpu")
    spread = r"([\d.]+) \[.*?\]"
    rows = re.findall(rf"^ *([\d,]+) +(\d+) +{' +'.join([spread] * 5)}$", printed, re.MULTILINE)
    assert [row[:2] for row in rows] == [(f"{size:,}", str(degree)) for size, degree in SMALLER]
    times = [[float(row[i]) for row in rows] for i in (3, 4)]
    return max(max(each) / min(each) for each in times), max(float(row[i]) for row in rows for i in (5, 6))


@pytest.mark.slow
@pytest.mark.alone
def test_op_along_a_graph_is_flat_and_at_most_three_times_sse_se(monkeypatch):
    monkeypatch.setattr(graph_op, "SIZES", SMALLER)
    assert any(spread < 2.5 and ratio < 3 for spread, ratio in (measured_graph_op() for _ in range(3)))


def test_the_loop_beside_it_draws_the_same_distribution():
    torch.manual_seed(1)
    ids = torch.randint(20, (200_000,))
    for drawn in (python_loop(ids, 20, 0.2), UniformTransition(20, 0.2, range(4, 20)).sample(ids)):
        assert torch.equal(drawn[ids < 4], ids[ids < 4]) and (drawn[ids >= 4] >= 4).all()
        assert (drawn != ids)[ids >= 4].double().mean() == pytest.approx(0.2, abs=0.01)


@pytest.mark.slow
def test_overhead_prints_a_ratio_near_one():
    words = ["--embed-dim", "64", "--vocab-size", "1000", "--tokens", "800", "--pairs", "20"]
    done = sse_nmt("bench", "overhead", *words)
    assert done.returncode == 0, done.stderr
    ratio = re.search(r"^ratio +([\d.]+) +\[([\d.]+), ([\d.]+)\]$", done.stdout, re.MULTILINE)
    assert ratio is not None
    low, median, high = float(ratio[2]), float(ratio[1]), float(ratio[3])
    assert low <= median <= high and 0.8 < median < 1.2


def test_both_steps_start_from_the_same_model_and_only_one_draws(monkeypatch):
    drawn = []
    sample = UniformTransition.sample
    monkeypatch.setattr(UniformTransition, "sample", lambda *words: drawn.append(1) or sample(*words))
    small = OverheadOptions(embed_dim=16, layers=1, vocab_size=50, tokens=100, pairs=2)
    training_step("translation", small)()
    assert not drawn
    training_step("translation_sse", small)()
    assert len(drawn) == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["overhead", "--pairs", "1"], "`--pairs` must be at least 2, but is 1 instead."),
        (["overhead", "--embed-dim", "6"], "`--embed-dim` must be a multiple of 4, but is 6 instead."),
        (["op", "--prob", "2"], "`--prob` must be in [0, 1], but is 2.0 instead."),
        (["op", "--repeats", "1"], "`--repeats` must be at least 2, but is 1 instead."),
    ],
)
def test_what_cannot_be_measured_is_refused(words, sentence, capsys):
    assert refused(capsys, "bench", *words) == sentence
