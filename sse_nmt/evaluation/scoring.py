"""Corpus scores by sacreBLEU, each with its signature, on words as the target language has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.metrics.base import Metric

from sse_nmt.system.errors import UserError

DEFAULT_TOKENISER = "13a"
# BLEU needs words. Languages that put no blanks between them have a tokeniser of their own, or pieces of FLORES-200.
_TOKENISERS = {"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"} | dict.fromkeys(
    ("th", "lo", "km", "my", "bo", "dz"), "flores200"
)
_WITHOUT_BLANKS = {"zh", "ja"}  # where TER counts characters
_INSTEAD = "take another one with `--tokenize` (char needs nothing)"


def tokeniser_for(language: str | None) -> str:
    """sacreBLEU's tokeniser for text in ``language``, a code such as de, zh or zh-CN."""
    return _TOKENISERS.get(_base(language), DEFAULT_TOKENISER)


def metrics(language: str | None = None, tokenize: str | None = None) -> dict[str, Metric]:
    """The metrics we report for text in ``language``; sacreBLEU's defaults but for the tokeniser.

    Args:
        tokenize: BLEU's tokeniser; None for that of the language.

    Raises:
        UserError: a tokeniser that there is not, or that cannot be had on this machine.
    """
    tokenize = tokeniser_for(language) if tokenize is None else tokenize
    if tokenize not in BLEU.TOKENIZERS:
        known = ", ".join(BLEU.TOKENIZERS)
        raise UserError(f"`--tokenize` must be one of sacreBLEU's, {known}, but is {tokenize!r} instead.")
    try:
        bleu = BLEU(tokenize=tokenize)
    except (Exception, SystemExit) as error:  # a package or a download is missing: sacreBLEU says so in several ways
        reason = " ".join(str(error).split()) or "sacreBLEU has ended"
        raise UserError(f"BLEU's tokeniser {tokenize} cannot be had here ({reason}): {_INSTEAD}.") from error
    asian = _base(language) in _WITHOUT_BLANKS
    ter = TER(normalized=True, asian_support=True) if asian else TER()
    return {"BLEU": bleu, "chrF": CHRF(), "chrF++": CHRF(word_order=2), "TER": ter}


def signatures(measures: dict[str, Metric]) -> dict[str, str]:
    """Metric -> what it is said to be, with one reference; known before anything is scored."""
    return {name: _signature(metric) for name, metric in measures.items()}


def score(
    hypotheses: Sequence[str], references: Sequence[str], measures: dict[str, Metric] | None = None
) -> dict[str, Any]:
    """Metric -> score and signature, for detokenised text with one reference each.

    Raises:
        UserError: the counts differ, or there is nothing to score.
    """
    check_lengths(hypotheses, references)
    scores = {}
    for name, metric in (metrics() if measures is None else measures).items():
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


def _signature(metric: Metric) -> str:
    metric.num_refs = 1  # which a metric learns from the first text that it scores
    return str(metric.get_signature())


def _base(language: str | None) -> str:
    return "" if language is None else language.lower().replace("_", "-").partition("-")[0]
