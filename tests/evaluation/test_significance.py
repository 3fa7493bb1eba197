"""The bootstrap against sacreBLEU's own, and against what must hold of any."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sacrebleu.significance import PairedTest

from sse_nmt.errors import UserError
from sse_nmt.evaluation.scoring import metrics, score
from sse_nmt.evaluation.significance import paired_bootstrap

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


@pytest.mark.parametrize("errors", [0.30, 0.24])
@pytest.mark.parametrize("name", ["BLEU", "chrF", "TER"])
def test_one_run_each_gives_sacrebleu_s_p_value(references, errors, name, monkeypatch):
    monkeypatch.delenv("SACREBLEU_SEED", raising=False)
    baseline, system = noisy(references, 0.3, seed=1), noisy(references, errors, seed=2)
    _, theirs = PairedTest(
        [("baseline", baseline), ("system", system)], {name: metrics()[name]}, [references], "bs", n_samples=300
    )()
    (result,) = [values[1] for key, values in theirs.items() if key != "System"]
    before = score(baseline, references)[name]["score"]
    ours = paired_bootstrap(metrics()[name], [baseline], [system], references, samples=300)
    assert ours.p_value == pytest.approx(result.p_value, abs=0.0034)  # their sums are in single precision
    assert before + ours.value == pytest.approx(result.score, abs=1e-3)


def test_the_same_run_many_times_is_no_more_evidence(references):
    """Sentences are drawn once for all runs: copies of a run must not make the test surer."""
    baseline, system = noisy(references, 0.3, seed=1), noisy(references, 0.27, seed=2)
    metric = metrics()["BLEU"]
    one = paired_bootstrap(metric, [baseline], [system], references, samples=200)
    five = paired_bootstrap(metric, [baseline] * 5, [system] * 5, references, samples=200)
    assert five.p_value == one.p_value and five.low == pytest.approx(one.low) and five.high == pytest.approx(one.high)


def test_several_runs_count_as_their_mean(references):
    runs = [noisy(references, 0.2, seed) for seed in (1, 2, 3)]
    baseline = noisy(references, 0.4, seed=4)
    difference = paired_bootstrap(metrics()["BLEU"], [baseline], runs, references, samples=100)
    scores = [score(run, references)["BLEU"]["score"] for run in runs]
    assert difference.value == pytest.approx(np.mean(scores) - score(baseline, references)["BLEU"]["score"])
    assert difference.low < difference.value < difference.high and difference.p_value == 1 / 101


def test_a_system_against_itself(references):
    run = noisy(references, 0.3, seed=1)
    difference = paired_bootstrap(metrics()["BLEU"], [run], [run], references, samples=50)
    assert (difference.value, difference.low, difference.high) == (0.0, 0.0, 0.0)
    assert difference.p_value > 0.01


def test_scores_carry_their_signatures(references):
    scores = score(references, references)
    assert scores["BLEU"]["score"] == pytest.approx(100) and scores["TER"]["score"] == 0
    assert "tok:13a" in scores["BLEU"]["signature"] and "version:" in scores["chrF"]["signature"]


def test_missing_hypotheses_are_refused(references):
    with pytest.raises(UserError) as error:
        score(references[:-1], references)
    assert str(error.value) == ("The hypotheses must have as many lines as the reference, 150, but have 149 instead.")
    with pytest.raises(UserError, match=r"^The reference must hold at least one line, but is empty\.$"):
        score([], [])
