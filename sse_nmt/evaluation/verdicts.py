"""What may be said of differences, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from sse_nmt.evaluation.comparison import PRIMARY, Comparison
from sse_nmt.evaluation.significance import rounded_p

LEVEL = 0.05  # of the test, after Holm's correction over all systems


def verdict(system: str, value: float, low: float, high: float, p_value: float | None, where: str) -> str | None:
    """Worded as interval and p allow; None without a p. ``p_value``: after Holm's correction."""
    if p_value is None:
        return None
    what = "is not shown to differ from"
    if p_value < LEVEL and (low > 0 or high < 0):
        what = "is ahead of" if value > 0 else "is behind"
    p = rounded_p(p_value)
    p = p if p.startswith("<") else f"= {p}"
    return f"{system} {what} the baseline: {value:+.2f} {PRIMARY} [{low:+.2f}, {high:+.2f}], p {p}, {where}."


def sentences(verdicts: Mapping[str, str | None]) -> list[str]:
    """System -> verdict as they are said: those of which there is none share a sentence."""
    said = [each for each in verdicts.values() if each is not None]
    silent = [name for name, each in verdicts.items() if each is None]
    if silent:
        said.append(
            f"Of {', '.join(silent)} nothing can be said yet: that takes two seeds of each and of the baseline."
        )
    return said


def verdicts(comparison: Comparison) -> list[str]:
    """What may be said of each system but the baseline, by its primary score."""
    found = {}
    for system in comparison.systems[1:]:
        each = system.differences[comparison.suite.primary][PRIMARY]
        where = f"on {comparison.suite.title}"
        found[system.name] = verdict(system.name, each.value, each.low, each.high, system.p_value, where)
    return sentences(found)
