"""The step sizes: the written formulas, and counters that approach frequencies."""

from __future__ import annotations

import math

import torch

from sse_nmt.methods.frequency import FrequencyAwareSGD, cf_step_sizes, fa_step_sizes


def test_the_formulas():
    p, c = [0.7, 0.25, 0.05, 0.0], [9.0, 4.0, 1.0, 0.0]
    fa = [min(2.0, 3 / math.sqrt(20 * value)) if value else 2.0 for value in p]
    cf = [min(2.0, 3 / math.sqrt(value)) if value else 2.0 for value in c]
    torch.testing.assert_close(fa_step_sizes(torch.tensor(p), 3, 20, 2), torch.tensor(fa))
    torch.testing.assert_close(cf_step_sizes(torch.tensor(c), 3, 2), torch.tensor(cf))


def test_cf_approaches_fa_on_a_stationary_stream():
    """One draw an update: c_k / t -> p_k, so η_k of the counters is FA's for T = t.

    With c_k about t p_k ± √(t p_k), η_k is off by about 1 / (2 √(t p_k)) of itself. Allowed are four such deviations:
    at the last check 3 % for the most frequent row and 12 % for the least.
    """
    frequencies = torch.tensor([0.5, 0.25, 0.15, 0.07, 0.03])
    table = torch.nn.Parameter(torch.zeros(5, 1))
    optimizer = FrequencyAwareSGD([{"params": [table], "rule": "cf", "alpha": 1.0, "eta_max": 10.0}])
    ids = torch.multinomial(frequencies, 10_000, True, generator=torch.Generator().manual_seed(1))
    gradients = torch.eye(5)[:, :, None]
    for t, row in enumerate(ids.tolist(), 1):
        table.grad = gradients[row]
        optimizer.step()
        if t in (100, 1_000, 10_000):
            fa = fa_step_sizes(frequencies, 1.0, t, 10.0)
            cf = cf_step_sizes(optimizer.state[table]["row_counts"].float(), 1.0, 10.0)
            assert ((cf / fa - 1).abs() < 2 / (t * frequencies).sqrt()).all(), t
