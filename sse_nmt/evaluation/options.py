"""What is scored, on what, and how it is compared, with every default."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sse_nmt.runs.paths import BEST
from sse_nmt.system.options import at_least, between, names, one_of, option
from sse_nmt.translation.options import SearchOptions

SPLITS = ("test", "valid")
TEXT_NAMES = names()
_SEARCH, _FILES = "search", "files in place of a run"
_CHECKPOINT = "which of the run's checkpoints translates"
_TOKENISER = "sacreBLEU's tokeniser for BLEU"
_OF_THE_LANGUAGE = (
    "that of the target language: zh, ja-mecab, ko-mecab, flores200 for Thai, Lao, Khmer, Burmese, Tibetan and "
    "Dzongkha, else 13a"
)


@dataclass(frozen=True)
class EvaluateOptions(SearchOptions):
    """What `sse-nmt evaluate` scores."""

    split: str = option("test", f"which text of the run's data: {', '.join(SPLITS)}", one_of(SPLITS), metavar="SPLIT")
    text: Path | None = option(
        None,
        "the test text of this folder of `sse-nmt prepare` in place of the run's own; scores get the folder's name",
        metavar="DIR",
        unset="the run's own",
    )
    checkpoint: str = option(BEST, _CHECKPOINT, metavar="NAME")
    tokenize: str | None = option(None, _TOKENISER, metavar="NAME", unset=_OF_THE_LANGUAGE)
    hypotheses: Path | None = option(
        None, "detokenised translations, one a line", metavar="FILE", unset="those of RUN", group=_FILES
    )
    reference: Path | None = option(
        None, "what they are scored against, line by line", metavar="FILE", unset="none", group=_FILES
    )
    target_lang: str | None = option(
        None, "language of the translations, which chooses the tokeniser", metavar="LANG", unset="none", group=_FILES
    )


@dataclass(frozen=True)
class NewstestOptions(SearchOptions):
    """How newstest2008–2018 is translated; beam and length penalty are the usual ones for WMT14."""

    beam: int = option(4, "hypotheses that are kept at each step", at_least(1), group=_SEARCH)
    length_penalty: float = option(
        0.6, "exponent of the length that a hypothesis' log-probability is divided by; more favours longer ones",
        between(-10, 10), group=_SEARCH,
    )  # fmt: skip
    checkpoint: str = option(BEST, _CHECKPOINT, metavar="NAME")


@dataclass(frozen=True)
class CompareOptions:
    """What `sse-nmt compare` compares, and where it writes."""

    baseline: str | None = option(None, "what the other systems are compared with", metavar="NAME", unset="the first")
    split: str = option(
        "test",
        f"the text that was scored: {', '.join(SPLITS)}, or the name of the folder of `sse-nmt evaluate --text`",
        TEXT_NAMES,
        metavar="SPLIT",
    )
    tokenize: str | None = option(None, _TOKENISER, metavar="NAME", unset=_OF_THE_LANGUAGE)
    newstest: bool = option(False, "compare on newstest2008-2018, scored by `sse-nmt newstest`")
    published_scores: bool = option(False, "with --newstest: quote the scores that the paper reports below the table")
    output: Path | None = option(
        None,
        "write the table as Markdown, CSV, JSON and a page here as well",
        metavar="DIR",
        unset="it is only printed",
    )
