"""What is said of a system over several corpora, from differences that are known."""

from __future__ import annotations

from typing import Any

import pytest

from sse_nmt.evaluation.significance import Difference
from sse_nmt.studies.results import CorpusResult, SystemResult, system_results


class Named:
    """As much of a comparison, a study or a system as is looked at."""

    def __init__(self, **what: Any) -> None:
        self.__dict__ |= what


def difference(value: float, error: float, p_value: float | None = 0.5) -> Difference:
    return Difference(value, value - 2 * error, value + 2 * error, p_value, error, 8.0, 0.5)


def results(*corpora: tuple[str, int, str, Difference]) -> list[SystemResult]:
    """name, pairs, test text, difference of the one system."""
    found = []
    for name, pairs, test, each in corpora:
        suite = Named(primary="test")
        system = Named(name="sse", suite=suite, differences={"test": {"BLEU": each}}, p_value=each.p_value)
        comparison: Any = Named(systems=[Named(name="baseline", suite=suite, differences={}, p_value=None), system])
        found.append(CorpusResult(name, name, pairs, None, test, comparison, None))  # type: ignore[arg-type]
    study: Any = Named(systems=[Named(name="baseline"), Named(name="sse")])
    return system_results(study, found)


def test_a_test_text_counts_once_with_the_largest_of_its_corpora():
    small, large = difference(0.9, 0.15), difference(0.1, 0.15)
    (found,) = results(("de-5000", 5000, "a", small), ("de-10000", 10000, "a", large), ("eu", 3000, "b", small))
    assert found.corpora == ["de-10000", "eu"] and found.together == "combined: de-10000, eu"
    assert found.combined is not None and found.combined.value == pytest.approx(0.5)
    assert found.verdict is not None and found.verdict.endswith(", over 2 corpora.")
    (found,) = results(("de-5000", 5000, "a", small), ("de-10000", 10000, "a", large))
    assert found.combined is None


def test_corpora_that_say_nothing_are_not_counted():
    same, alone = difference(0.0, 0.0, 1.0), difference(0.3, 0.2, None)
    some = [("b", 1, "b", difference(0.3, 0.2)), ("c", 1, "c", difference(0.1, 0.2))]
    (found,) = results(("a", 1, "a", same), *some, ("d", 1, "d", alone))
    assert found.corpora == ["b", "c"] and found.verdict is not None and "over 2 corpora" in found.verdict


def test_where_nothing_is_combined_each_corpus_is_said():
    (found,) = results(("a", 1, "a", difference(0.0, 0.0, 1.0)), ("b", 1, "b", difference(-0.9, 0.2, 0.0001)))
    assert found.verdict == (
        "sse is not shown to differ from the baseline: +0.00 BLEU [+0.00, +0.00], p = 1.000, on a. "
        "sse is behind the baseline: -0.90 BLEU [-1.30, -0.50], p <0.001, on b."
    )
    (found,) = results(("a", 1, "a", difference(0.3, 0.2, None)))
    assert found.verdict is None
