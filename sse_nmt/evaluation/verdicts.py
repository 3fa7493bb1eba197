"""What may be said of a difference, in one sentence."""

from __future__ import annotations

from sse_nmt.evaluation.comparison import PRIMARY, Comparison

LEVEL = 0.05  # of the test, after Holm's correction over all systems


def verdict(system: str, value: float, low: float, high: float, p_value: float | None, where: str) -> str:
    """Worded as interval and p allow. ``p_value``: after Holm's correction; None: too few seeds for one."""
    if p_value is None:
        return f"Of {system} nothing can be said yet: that takes two seeds of it and of the baseline."
    what = "is not shown to differ from"
    if p_value < LEVEL and (low > 0 or high < 0):
        what = "is ahead of" if value > 0 else "is behind"
    return (
        f"{system} {what} the baseline: {value:+.2f} {PRIMARY} [{low:+.2f}, {high:+.2f}], p = {p_value:.3f}, {where}."
    )


def verdicts(comparison: Comparison) -> list[str]:
    """A sentence for each system but the baseline, of the primary text."""
    said = []
    for system in comparison.systems[1:]:
        each = system.differences[comparison.suite.primary][PRIMARY]
        where = f"on {comparison.suite.title}"
        said.append(verdict(system.name, each.value, each.low, each.high, system.p_value, where))
    return said
