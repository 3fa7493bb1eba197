"""Paired bootstrap resampling (Koehn, 2004) for systems trained with several seeds.

With one run each it gives sacreBLEU's own p-value. With several, all runs are scored on the same resampled
sentences and a system's score is the mean over its runs, so sentences are drawn as often as there are
sentences, not runs times as often. What varies between seeds is not part of it: look at the standard deviation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    # How often each sentence stands in each resample: (samples, sentences), a product with it sums statistics.
    weights = np.stack([np.bincount(row, minlength=sentences) for row in drawn]).astype(np.float64)
    whole, resampled = _mean_scores(metric, system, references, weights)
    whole_baseline, resampled_baseline = _mean_scores(metric, baseline, references, weights)
    differences = resampled - resampled_baseline
    low, high = np.percentile(differences, [2.5, 97.5])
    sizes = np.abs(differences)
    p_value = _compute_p_value(sizes - sizes.mean(), abs(whole - whole_baseline))
    return Difference(whole - whole_baseline, float(low), float(high), p_value)


def _mean_scores(
    metric: Metric, runs: Sequence[Sequence[str]], references: Sequence[str], weights: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Mean over the runs of (the score, the score on each resample (samples,))."""
    whole, resampled = [], []
    for hypotheses in runs:
        statistics = np.array(metric._extract_corpus_statistics(list(hypotheses), [list(references)]), dtype=np.float64)
        whole.append(metric._compute_score_from_stats(statistics.sum(0)).score)
        resampled.append([metric._compute_score_from_stats(row).score for row in weights @ statistics])
    return float(np.mean(whole)), np.mean(resampled, axis=0)
