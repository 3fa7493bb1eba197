"""The test of a difference against sacreBLEU, against its own formula, and against the error rates it promises."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from sacrebleu.significance import PairedTest
from scipy import stats

from sse_nmt.evaluation.scoring import metrics, score
from sse_nmt.evaluation.sentence_statistics import count
from sse_nmt.evaluation.significance import SAMPLES, Difference, Resampled, difference, holm, rounded_p
from sse_nmt.system.errors import UserError

WORDS = ["old", "dog", "saw", "small", "red", "house", "left", "behind", "because", "nobody", "was", "there", "open"]


def noisy(references: list[str], errors: float, seed: int) -> list[str]:
    """The references with words replaced at that rate."""
    generator = random.Random(seed)
    return [
        " ".join(generator.choice(WORDS) if generator.random() < errors else word for word in line.split())
        for line in references
    ]


@pytest.fixture(scope="module")
def references() -> list[str]:
    generator = random.Random(0)
    return [" ".join(generator.choices(WORDS, k=generator.randint(4, 15))) for _ in range(150)]


def resampled(references: list[str], *runs: list[str], name: str = "BLEU") -> Resampled:
    metric = metrics()[name]
    return Resampled.of(metric, [count(metric, run, references) for run in runs])


@pytest.mark.parametrize("name", ["BLEU", "chrF", "TER"])
def test_one_run_each_gives_sacrebleu_s_bootstrap_and_no_p(references, name, monkeypatch):
    monkeypatch.delenv("SACREBLEU_SEED", raising=False)
    baseline, system = noisy(references, 0.3, seed=1), noisy(references, 0.24, seed=2)
    _, theirs = PairedTest(
        [("baseline", baseline), ("system", system)], {name: metrics()[name]}, [references], "bs", n_samples=SAMPLES
    )()
    (result,) = [values[1] for key, values in theirs.items() if key != "System"]
    ours = difference(resampled(references, baseline, name=name), resampled(references, system, name=name))
    assert ours.sacrebleu_p == pytest.approx(result.p_value, abs=0.0011)  # their sums are in single precision
    assert score(baseline, references)[name]["score"] + ours.value == pytest.approx(result.score, abs=1e-3)
    assert ours.p_value is None and ours.degrees_of_freedom is None
    assert ours.low < ours.value < ours.high


@pytest.mark.parametrize("others", [(4, 5, 6), (4, 5)], ids=["pooled", "apart"])
def test_several_runs_count_as_their_mean_and_by_the_formula(references, others):
    ours = resampled(references, *(noisy(references, 0.2, seed) for seed in (1, 2, 3)))
    theirs = resampled(references, *(noisy(references, 0.3, seed) for seed in others))
    found = difference(theirs, ours)
    a, b = ours.runs, theirs.runs
    assert found.value == pytest.approx(a.mean() - b.mean())
    pooled = (a.var(ddof=1) + b.var(ddof=1)) / 2
    of_seeds = [pooled / 3, pooled / 3] if len(others) == 3 else [a.var(ddof=1) / 3, b.var(ddof=1) / 2]
    error = math.sqrt((ours.means - theirs.means).var(ddof=1) + sum(of_seeds))
    degrees = error**4 / (sum(of_seeds) ** 2 / 4 if len(others) == 3 else of_seeds[0] ** 2 / 2 + of_seeds[1] ** 2)
    assert found.standard_error == pytest.approx(error) and found.degrees_of_freedom == pytest.approx(degrees)
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, degrees, found.value, error))
    assert found.p_value == pytest.approx(2 * stats.t.cdf(-abs(found.value) / error, degrees))


def test_what_varies_between_seeds_widens_the_interval(references):
    """Copies of a run are no more evidence; runs that differ are less."""
    baseline, system = noisy(references, 0.3, seed=1), noisy(references, 0.27, seed=2)
    one = difference(resampled(references, baseline), resampled(references, system))
    five = difference(resampled(references, *[baseline] * 5), resampled(references, *[system] * 5))
    assert five.high - five.low == pytest.approx(2 * 1.959964 * one.standard_error)
    assert five.degrees_of_freedom is None
    varied = [noisy(references, rate, seed=2) for rate in (0.2, 0.27, 0.34)]
    three = difference(resampled(references, *[baseline] * 3), resampled(references, *varied))
    assert three.high - three.low > five.high - five.low and three.p_value > five.p_value


@pytest.mark.parametrize("runs", [1, 3])
def test_a_system_against_itself(references, runs):
    same = resampled(references, *[noisy(references, 0.3, seed=1)] * runs)
    found = difference(same, same)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)
    assert found.p_value == (None if runs == 1 else 1.0)


def test_holm_by_hand():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": None}) == {
        "a": pytest.approx(0.03), "c": pytest.approx(0.06), "b": pytest.approx(0.06), "d": None
    }  # fmt: skip
    assert holm({"a": 0.7, "b": 0.6}) == {"b": 1.0, "a": 1.0} and holm({}) == {}


SEED_DEVIATION, TEXT_DEVIATION = 0.4, 0.25  # BLEU, as measured at the quickstart's size


def simulated(
    generator: np.random.Generator,
    runs: int,
    truth: float = 0.0,
    others: int | None = None,
    deviations: tuple[float, float] = (SEED_DEVIATION, SEED_DEVIATION),
) -> Difference:
    """Two systems that differ by ``truth`` but for their seeds and the text; the bootstrap knows the text's share."""
    text = generator.normal(0, TEXT_DEVIATION)
    one = generator.normal(0, deviations[0], runs)
    other = generator.normal(0, deviations[1], runs if others is None else others)
    zero = np.zeros(SAMPLES)
    drawn = generator.normal(0, TEXT_DEVIATION, SAMPLES)
    return difference(Resampled(one, zero), Resampled(other + truth + text, drawn))


@pytest.mark.parametrize("deviations", [(0.4, 0.4), (0.6, 0.2)])
def test_it_errs_little_more_often_where_one_system_has_fewer_seeds(deviations):
    """Pooled variances would find a difference where there is none in 14 % of the second case."""
    generator = np.random.default_rng(10)
    found = [simulated(generator, 3, others=10, deviations=deviations).p_value < 0.05 for _ in range(2000)]
    assert 0.02 <= np.mean(found) <= 0.09


def test_of_one_sentence_nothing_can_be_said():
    lines = ["the old dog saw the small red house"], ["a dog saw a house"], ["the old dog saw the small house"]
    found = difference(*(resampled(lines[0], line, line) for line in lines[1:]))
    assert found.p_value is None and found.low == pytest.approx(found.value) == pytest.approx(found.high)
    assert found.value > 1


def test_a_small_p_is_not_rounded_to_none():
    assert [rounded_p(p) for p in (0.0, 1e-9, 0.0004, 0.0006, 0.05, 1.0)] == [
        "<0.001", "<0.001", "<0.001", "0.001", "0.050", "1.000"
    ]  # fmt: skip


@pytest.mark.parametrize("runs", [3, 5])
def test_it_errs_as_often_as_it_says(runs):
    """No difference: found in 2 to 7 %, covered in 93 to 98 %. One of 1.5 half-widths: found in more than 80 %."""
    generator = np.random.default_rng(runs)
    none = [simulated(generator, runs) for _ in range(2000)]
    assert 0.02 <= np.mean([each.p_value < 0.05 for each in none]) <= 0.07
    assert 0.93 <= np.mean([each.low <= 0 <= each.high for each in none]) <= 0.98
    half_width = np.mean([each.high - each.low for each in none]) / 2
    some = [simulated(generator, runs, 1.5 * half_width) for _ in range(1000)]
    assert np.mean([each.p_value < 0.05 for each in some]) > 0.8
    # What the test replaces: the bootstrap alone finds a difference where there is none, again and again.
    assert np.mean([each.sacrebleu_p < 0.05 for each in none]) > 0.3


def test_scores_carry_their_signatures(references):
    scores = score(references, references)
    assert scores["BLEU"]["score"] == pytest.approx(100) and scores["TER"]["score"] == 0
    assert "tok:13a" in scores["BLEU"]["signature"] and "version:" in scores["chrF"]["signature"]
    assert "nw:2" in scores["chrF++"]["signature"]


def test_missing_hypotheses_are_refused(references):
    with pytest.raises(UserError) as error:
        score(references[:-1], references)
    assert str(error.value) == ("The hypotheses must have as many lines as the reference, 150, but have 149 instead.")
    with pytest.raises(UserError, match=r"^The reference must hold at least one line, but is empty\.$"):
        score([], [])
