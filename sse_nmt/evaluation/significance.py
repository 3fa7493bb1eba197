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


@dataclass(frozen=True)
class Difference:
    """How far a system is from the baseline, in points of the metric."""

    value: float
    low: float  # the middle 95 % of the resampled differences
    high: float
    p_value: float


def paired_bootstrap(
    metric: Metric,
    baseline: Sequence[Sequence[str]],
    system: Sequence[Sequence[str]],
    references: Sequence[str],
    samples: int = SAMPLES,
    seed: int = SEED,
) -> Difference:
    """Compare the runs of a system (each: one hypothesis per reference) with the runs of the baseline."""
    sentences = len(references)
    drawn = np.random.default_rng(seed).choice(sentences, size=(samples, sentences), replace=True)
    ours, theirs = (_statistics(metric, runs, references) for runs in (system, baseline))
    differences = np.empty(samples)
    for number, row in enumerate(drawn):
        counts = np.bincount(row, minlength=sentences)  # how often each sentence stands in this resample
        differences[number] = _mean_score(metric, ours, counts) - _mean_score(metric, theirs, counts)
    once = np.ones(sentences)
    value = _mean_score(metric, ours, once) - _mean_score(metric, theirs, once)
    low, high = np.percentile(differences, [2.5, 97.5])
    sizes = np.abs(differences)
    return Difference(value, float(low), float(high), _compute_p_value(sizes - sizes.mean(), abs(value)))


def _statistics(metric: Metric, runs: Sequence[Sequence[str]], references: Sequence[str]) -> list[NDArray[np.float64]]:
    """What the metric counts in each sentence of each run: (sentences, counts) a run."""
    return [
        np.array(metric._extract_corpus_statistics(list(hypotheses), [list(references)]), dtype=np.float64)
        for hypotheses in runs
    ]


def _mean_score(metric: Metric, statistics: list[NDArray[np.float64]], counts: NDArray[Any]) -> float:
    """The mean over the runs of the score of a text in which each sentence stands ``counts`` times."""
    return float(np.mean([metric._compute_score_from_stats(list(counts @ run)).score for run in statistics]))
