"""Corpus scores by sacreBLEU, each with its signature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.metrics.base import Metric

from sse_nmt.errors import UserError


def metrics() -> dict[str, Metric]:
    """The metrics we report, with sacreBLEU's defaults."""
    return {"BLEU": BLEU(), "chrF": CHRF(), "TER": TER()}


def score(hypotheses: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
    """Metric -> score and signature, for detokenised text with one reference each.

    Raises:
        UserError: the counts differ, or there is nothing to score.
    """
    check_lengths(hypotheses, references)
    scores = {}
    for name, metric in metrics().items():
        value = metric.corpus_score(list(hypotheses), [list(references)])
        scores[name] = {"score": value.score, "signature": str(metric.get_signature())}
    return scores


def check_lengths(hypotheses: Sequence[str], references: Sequence[str], name: str = "The hypotheses") -> None:
    if len(hypotheses) != len(references):
        raise UserError(
            f"{name} must have as many lines as the reference, {len(references)}, but have {len(hypotheses)} instead."
        )
    if not references:
        raise UserError("The reference must hold at least one line, but is empty.")
