"""Paired bootstrap resampling (Koehn, 2004) for systems trained with several seeds.

With one run each it gives sacreBLEU's own p-value. With several, all runs are scored on the same resampled
sentences and a system's score is the mean over its runs, so sentences are drawn as often as there are
sentences, not runs times as often. What varies between seeds is not part of it: look at the standard deviation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics.base import Metric
from sacrebleu.significance import _compute_p_value

SAMPLES = 1000
SEED = 12345  # sacreBLEU's

Statistics = list[NDArray[np.float64]]  # a run: (sentences, counts)


@dataclass(frozen=True)
class Difference:
    """How far a system is from the baseline, in points of the metric."""

    value: float
    low: float  # the middle 95 % of the resampled differences
    high: float
    p_value: float

    @classmethod
    def of(cls, value: float, resampled: NDArray[np.float64]) -> Difference:
        """As in sacreBLEU, but p is 1 where no resample differs: sacreBLEU would call that significant."""
        low, high = np.percentile(resampled, [2.5, 97.5])
        sizes = np.abs(resampled)
        p_value = _compute_p_value(sizes - sizes.mean(), abs(value)) if sizes.any() else 1.0
        return cls(value, float(low), float(high), p_value)


def paired_bootstrap(
    metric: Metric,
    baseline: Sequence[Sequence[str]],
    system: Sequence[Sequence[str]],
    references: Sequence[str],
    samples: int = SAMPLES,
    seed: int = SEED,
) -> Difference:
    """Compare the runs of a system (each: one hypothesis per reference) with the runs of the baseline."""
    ours, theirs = (statistics(metric, runs, references) for runs in (system, baseline))
    resampled = resampled_differences(metric, theirs, ours, samples, seed)
    return Difference.of(mean_score(metric, ours) - mean_score(metric, theirs), resampled)


def statistics(metric: Metric, runs: Sequence[Sequence[str]], references: Sequence[str]) -> Statistics:
    """What the metric counts in each sentence of each run."""
    return [
        np.array(metric._extract_corpus_statistics(list(hypotheses), [list(references)]), dtype=np.float64)
        for hypotheses in runs
    ]


def mean_score(metric: Metric, runs: Statistics, counts: NDArray[Any] | None = None) -> float:
    """The mean over the runs of the score of a text in which each sentence stands ``counts`` times (once)."""
    sums = [run.sum(axis=0) if counts is None else counts @ run for run in runs]
    return float(np.mean([metric._compute_score_from_stats(list(total)).score for total in sums]))


def resampled_differences(
    metric: Metric, baseline: Statistics, system: Statistics, samples: int = SAMPLES, seed: int | Sequence[int] = SEED
) -> NDArray[np.float64]:
    """(samples,): system less baseline on texts of as many sentences, drawn with replacement, the same for both."""
    sentences = len(baseline[0])
    drawn = np.random.default_rng(seed).choice(sentences, size=(samples, sentences), replace=True)
    differences = np.empty(samples)
    for number, row in enumerate(drawn):
        counts = np.bincount(row, minlength=sentences)  # how often each sentence stands in this resample
        differences[number] = mean_score(metric, system, counts) - mean_score(metric, baseline, counts)
    return differences
