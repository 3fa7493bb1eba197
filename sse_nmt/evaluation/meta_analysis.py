"""One difference from those on several corpora, which need not be the same everywhere.

A random-effects model: the difference on corpus c is drawn from N(mu, tau^2), and measured with standard error s_c.
tau^2 is Paule and Mandel's (1982). The interval of mu is Hartung and Knapp's (2001), which holds for few corpora too;
where their factor is below 1 it is taken as 1 (Röver, Knapp, Friede 2015): else corpora that agree by chance would make
an interval smaller than that of any of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from sse_nmt.evaluation.significance import LEVEL

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Combined:
    """The mean over all corpora that there might be, its interval and p; what is to be expected on another corpus."""

    value: float
    low: float
    high: float
    p_value: float
    between: float  # tau, the standard deviation between corpora
    expected: tuple[float, float] | None  # the prediction interval (Higgins et al. 2009), from three corpora on


def combine(values: Sequence[float], errors: Sequence[float]) -> Combined:
    """From differences and their standard errors, one each corpus.

    Raises:
        ValueError: fewer than two corpora, or an error that is not above 0.
    """
    effects, variances = np.asarray(values, dtype=np.float64), np.asarray(errors, dtype=np.float64) ** 2
    if len(effects) < 2 or len(effects) != len(variances):
        raise ValueError(f"`values` and `errors` must be of at least two corpora, but are of {len(effects)}.")
    if not (variances > 0).all():
        raise ValueError(f"`errors` must be above 0, but {min(errors)} is among them.")
    between = _between(effects, variances)
    weights = 1 / (variances + between)
    mean = float(np.average(effects, weights=weights))
    free = len(effects) - 1
    spread = float((weights * (effects - mean) ** 2).sum()) / free  # Hartung and Knapp's factor
    error = math.sqrt(max(1.0, spread) / float(weights.sum()))
    margin = float(stats.t.ppf((1 + LEVEL) / 2, free)) * error
    p_value = float(2 * stats.t.sf(abs(mean) / error, free))
    expected = None
    if free >= 2:
        reach = float(stats.t.ppf((1 + LEVEL) / 2, free - 1)) * math.sqrt(between + error**2)
        expected = mean - reach, mean + reach
    return Combined(mean, mean - margin, mean + margin, p_value, math.sqrt(between), expected)


def _between(effects: Array, variances: Array) -> float:
    """tau^2 at which the weighted squares are what they are expected to be, k - 1; 0 if they are less at 0."""

    def excess(between: float) -> float:
        weights = 1 / (variances + between)
        mean = np.average(effects, weights=weights)
        return float((weights * (effects - mean) ** 2).sum()) - (len(effects) - 1)

    if excess(0.0) <= 0:
        return 0.0
    high = float(effects.var(ddof=1)) + float(variances.max())
    while excess(high) > 0:
        high *= 2
    return float(optimize.brentq(excess, 0.0, high))
