"""Several corpora as one, against statsmodels 0.14 (`combine_effects`, method_re="iterated") and a simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sse_nmt.evaluation.meta_analysis import combine

# differences, standard errors; tau^2, mean and standard error by statsmodels
ORACLE = [
    ([0.3, -0.1, 0.6, 0.25], [0.2, 0.15, 0.3, 0.1], 0.03577043649488145, 0.2073834139735299, 0.12892950123338376),
    ([1.2, -0.4, 0.9, 0.1, 2.0], [0.2, 0.25, 0.3, 0.2, 0.4], 0.7839627265577962, 0.731850853718887, 0.4147892909740682),
    ([0.1, 0.12], [0.3, 0.2], 0.0, 0.11384615384615385, 0.16641005886756874),  # its own error: with the factor 0.0092
]


@pytest.mark.parametrize(("values", "errors", "between", "mean", "error"), ORACLE)
def test_as_statsmodels_has_it(values, errors, between, mean, error):
    found = combine(values, errors)
    free = len(values) - 1
    margin = stats.t.ppf(0.975, free) * error
    assert found.between**2 == pytest.approx(between, abs=1e-6)
    assert (found.value, found.low, found.high) == pytest.approx((mean, mean - margin, mean + margin), abs=1e-5)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(mean) / error, free), abs=1e-5)
    assert (found.expected is None) == (len(values) == 2)
    if found.expected is not None:
        reach = stats.t.ppf(0.975, free - 1) * np.sqrt(between + error**2)
        assert found.expected == pytest.approx((mean - reach, mean + reach), abs=1e-4)


@pytest.mark.parametrize("corpora", [2, 4, 8])
@pytest.mark.parametrize("between", [0.0, 0.4])
def test_the_interval_covers_the_truth(corpora, between):
    """Of 2,000 made-up sets of corpora."""
    generator = np.random.default_rng(corpora)
    covered = 0
    for _ in range(2000):
        errors = generator.uniform(0.1, 0.6, corpora)
        values = 0.3 + generator.normal(0, between, corpora) + generator.normal(0, errors)
        found = combine(values.tolist(), errors.tolist())
        covered += found.low <= 0.3 <= found.high
    assert 0.92 < covered / 2000 <= 1.0


def test_what_is_refused():
    with pytest.raises(ValueError, match="at least two corpora"):
        combine([1.0], [0.1])
    with pytest.raises(ValueError, match="`errors` must be above 0, but 0.0 is among them."):
        combine([1.0, 2.0], [0.1, 0.0])
