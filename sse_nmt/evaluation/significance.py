"""Whether a system differs from a baseline, where both the training and the test text are a matter of chance.

The variance of a difference D between mean scores has two parts: that over sentences, from a bootstrap in which all
runs are scored on the same resample (Koehn 2004), and that over seeds, pooled over both systems:

    SE² = Var_bootstrap(D) + S² (1/k_A + 1/k_B),     S² = [Σ(s_Ai - s̄_A)² + Σ(s_Bi - s̄_B)²] / (k_A + k_B - 2)
    df  = SE⁴ / [(S² (1/k_A + 1/k_B))² / (k_A + k_B - 2)]          (Satterthwaite; the bootstrap's part counts as known)

The interval is D ± t(0.975, df) SE, and p two-sided from t(df). With as many seeds of both systems it does not matter
much that their variances may differ; with k_A ≠ k_B it does, and they are kept apart (Welch 1947):

    SE² = Var_bootstrap(D) + S_A²/k_A + S_B²/k_B,     df = SE⁴ / [(S_A²/k_A)² / (k_A - 1) + (S_B²/k_B)² / (k_B - 1)]

The interaction of seed and sentence is counted twice, and that runs of one seed may begin alike is not made use of.
With one run of a system nothing is known of another training: the interval is then the bootstrap's own, of this text
alone, and there is no p. Nor is there one of a text whose resamples do not differ, such as one sentence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics.base import Metric
from sacrebleu.significance import _compute_p_value
from scipy import stats

from sse_nmt.evaluation.sentence_statistics import Statistics, corpus_score

SAMPLES = 1000
SEED = 12345  # sacreBLEU's
LEVEL = 0.95
_ROUNDING = 1e-9  # of scores of the same translations

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """How far a system is from the baseline, in points of the metric."""

    value: float
    low: float  # of the interval
    high: float
    p_value: float | None  # None: one run of a system, or one sentence: nothing can be said but for this text
    standard_error: float
    degrees_of_freedom: float | None  # None: without end, or no test
    sacrebleu_p: float  # what sacreBLEU's bootstrap calls p; its true size at 0.05 is 0.11, and seeds are no part of it


@dataclass(frozen=True)
class Resampled:
    """A system's score: of each run, and as a mean over the runs on each resample of the sentences."""

    runs: Array  # (k,)
    means: Array  # (samples,)

    @classmethod
    def of(cls, metric: Metric, runs: Sequence[Statistics], seed: int | Sequence[int] = SEED) -> Resampled:
        """From the counts of each run on the same sentences; the same ``seed`` draws the same sentences."""
        weights = _weights(len(runs[0]), seed)
        scores = [[corpus_score(metric, total) for total in weights @ run] for run in runs]
        return cls(np.array([corpus_score(metric, run.sum(axis=0)) for run in runs]), np.mean(scores, axis=0))

    @classmethod
    def mean_of(cls, parts: Sequence[Resampled]) -> Resampled:
        """The mean of several texts' scores, run by run and resample by resample."""
        return cls(np.mean([part.runs for part in parts], axis=0), np.mean([part.means for part in parts], axis=0))


def difference(baseline: Resampled, system: Resampled) -> Difference:
    """The system less the baseline, on the same resamples."""
    value = float(system.runs.mean() - baseline.runs.mean())
    resampled = system.means - baseline.means
    theirs = _sacrebleu_p(value, resampled)
    same_text = bool(np.ptp(resampled) < _ROUNDING) and abs(value) >= _ROUNDING
    if min(len(baseline.runs), len(system.runs)) < 2 or same_text:
        low, high = np.percentile(resampled, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
        return Difference(value, float(low), float(high), None, float(resampled.std(ddof=1)), None, theirs)
    of_seeds = _of_seeds(baseline.runs, system.runs)
    error = math.sqrt(float(resampled.var(ddof=1)) + sum(of_seeds))
    # Of a pooled variance this is the pooled formula.
    of_degrees = of_seeds[0] ** 2 / (len(baseline.runs) - 1) + of_seeds[1] ** 2 / (len(system.runs) - 1)
    degrees = error**4 / of_degrees if of_degrees > 0 else math.inf
    margin = float(stats.t.ppf((1 + LEVEL) / 2, degrees)) * error
    # No error at all: the same translations.
    p_value = float(2 * stats.t.sf(abs(value) / error, degrees)) if error > 0 else 1.0
    free = degrees if math.isfinite(degrees) else None
    return Difference(value, value - margin, value + margin, p_value, error, free, theirs)


def rounded_p(value: float) -> str:
    return "<0.001" if value < 0.0005 else f"{value:.3f}"


def holm(p_values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Name -> p corrected for as many tests as there are (Holm 1979); None stays None."""
    known = sorted((p, name) for name, p in p_values.items() if p is not None)
    corrected: dict[str, float | None] = dict.fromkeys(p_values)
    largest = 0.0
    for rank, (p, name) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        corrected[name] = largest
    return corrected


def _of_seeds(one: Array, other: Array) -> tuple[float, float]:
    """What the seeds of each system add to the variance of the difference."""
    variances = [float(scores.var(ddof=1)) for scores in (one, other)]
    if len(one) == len(other):
        variances = [sum(variances) / 2] * 2
    return variances[0] / len(one), variances[1] / len(other)


def _weights(sentences: int, seed: int | Sequence[int]) -> Array:
    """(SAMPLES, sentences): how often each sentence stands in each resample."""
    drawn = np.random.default_rng(seed).choice(sentences, size=(SAMPLES, sentences), replace=True)
    return np.stack([np.bincount(row, minlength=sentences) for row in drawn]).astype(np.float64)


def _sacrebleu_p(value: float, resampled: Array) -> float:
    """p is 1 where no resample differs: sacreBLEU would call that significant."""
    sizes = np.abs(resampled)
    return float(_compute_p_value(sizes - sizes.mean(), abs(value))) if sizes.any() else 1.0
