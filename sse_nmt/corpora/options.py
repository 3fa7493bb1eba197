"""What `sse-nmt prepare` can be told, with every default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sse_nmt.errors import UserError

WMT14 = "wmt14-en-de"
CORPORA = ("libreoffice-help", "multi30k", "files", WMT14)
STATMT = "https://www.statmt.org"
MULTI30K_MIRROR = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw"


@dataclass(frozen=True)
class LengthRules:
    """Limits on the length of a training pair, in SentencePiece pieces."""

    min_length: int = 1
    max_length: int = 250
    max_ratio: float = 1.5  # the longer side over the shorter one, once the sides are made comparable by:
    typical_ratio: float = 1.0  # target pieces per source piece, usual in the corpus


def check_numbers(options: Any, **least: int) -> None:
    """Raise UserError for the first of these options that is too small, or for a ratio below 1."""
    for name, value in least.items():
        found = getattr(options, name)
        if found is not None and found < value:
            raise UserError(f"`--{name.replace('_', '-')}` must be at least {value}, but is {found} instead.")
    if not options.max_ratio >= 1.0:
        raise UserError(f"`--max-ratio` must be at least 1, but is {options.max_ratio} instead.")


@dataclass(frozen=True)
class PrepareOptions:
    """What is prepared, and how; the defaults of `sse-nmt prepare`."""

    corpus: str
    source: str | None = None  # files: the source text
    target: str | None = None  # files: the target text
    valid_source: str | None = None  # files: validation text of one's own, whole; None: some of the text is set apart
    valid_target: str | None = None
    test_source: str | None = None  # files: test text of one's own, likewise
    test_target: str | None = None
    folder: str | None = None  # multi30k: local files instead of a download
    mirror: str = MULTI30K_MIRROR
    source_lang: str = "en"
    target_lang: str = "de"
    pairs: int | None = None  # training pairs; None: all there are
    valid: int = 1000  # validation pairs set apart before overlap is dropped
    test: int = 2000
    pieces: int = 8000
    min_length: int = LengthRules.min_length
    max_length: int = LengthRules.max_length
    max_ratio: float = LengthRules.max_ratio
    seed: int = 1


@dataclass(frozen=True)
class BulkOptions:
    """How a large corpus is prepared, and where WMT14 English–German comes from; its defaults."""

    mirror: str = STATMT
    pieces: int = 32_000
    sample: int = 200_000  # pairs that the SentencePiece model is trained on
    min_length: int = LengthRules.min_length
    max_length: int = LengthRules.max_length
    max_ratio: float = LengthRules.max_ratio
    seed: int = 1
