"""What `sse-nmt prepare` can be told, with every default."""

from __future__ import annotations

from dataclasses import dataclass

CORPORA = ("libreoffice-help", "multi30k", "files")
MULTI30K_MIRROR = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw"


@dataclass(frozen=True)
class LengthRules:
    """Limits on the length of a training pair, in SentencePiece pieces."""

    min_length: int = 1
    max_length: int = 250
    max_ratio: float = 1.5  # the longer side over the shorter one


@dataclass(frozen=True)
class PrepareOptions:
    """What is prepared, and how; the defaults of `sse-nmt prepare`."""

    corpus: str
    source: str | None = None  # files: the source text
    target: str | None = None  # files: the target text
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
