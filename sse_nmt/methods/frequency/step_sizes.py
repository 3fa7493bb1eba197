"""The step sizes of the rows of an embedding table: FA-SGD and CF-SGD of Li et al. (2022)."""

from __future__ import annotations

from torch import Tensor


def fa_step_sizes(frequencies: Tensor, alpha: float, horizon: float, eta_max: float) -> Tensor:
    """η_k = min(η_max, α / √(T p_k)) of known frequencies p (V,): (V,). A row of frequency 0 has η_max.

    p_k is the chance that one draw from the corpus yields row k. T counts updates; where an update holds B draws,
    a run has T B of them, and α takes in the √B.
    """
    return (alpha / (horizon * frequencies).sqrt()).clamp(max=eta_max)


def cf_step_sizes(row_counts: Tensor, alpha: float, eta_max: float) -> Tensor:
    """η_k = min(η_max, α / √c_k) of counters c (V,), floating: (V,). A row that was never looked up has η_max.

    After t updates c_k / t estimates the chance that an update holds row k. For updates of one draw that is p_k, and
    η_k is FA-SGD's for T = t; in a batch of B draws it is 1 − (1 − p_k)^B, about B p_k for all but frequent rows.
    """
    return (alpha / row_counts.sqrt()).clamp(max=eta_max)
