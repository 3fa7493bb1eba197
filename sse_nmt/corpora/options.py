"""What `sse-nmt prepare` can be told, with every default."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from sse_nmt.system.download import DEFAULT_LIMITS, Limits
from sse_nmt.system.harmless import without_password
from sse_nmt.system.options import Range, at_least, between, option, seeds
from sse_nmt.text.length_rules import LengthRules

# Options for every corpus that trains; a corpus names those beside them that it heeds.
COMMON = frozenset(
    {"vocab_size", "sample", "sampled_copies", "sampled_alpha", "min_length", "max_length", "max_ratio", "seed"}
)
WMT14_VOCAB_SIZE = 32_000
LIMITS = frozenset({"max_download", "timeout", "retries"})

# It becomes part of files' names.
_CODE = Range(
    "letters and digits, such as de or zh-TW", lambda value: re.fullmatch(r"\w+(-\w+)*", value, re.ASCII) is not None
)
_APART = "some of the text is set apart"
_OWN = "text of your own (corpus `files`)"
_WHERE = "where the text comes from"
_SPLIT = "training, validation and test text"
_SUBWORDS = "subwords"
_LENGTHS = "length of training sentences"


@dataclass(frozen=True)
class PrepareOptions:
    """What is prepared, and how; the defaults of `sse-nmt prepare`, where the corpus has none of its own."""

    corpus: str
    source: str | None = option(None, "source text, one sentence a line", metavar="FILE", unset="none", group=_OWN)
    target: str | None = option(
        None, "target text, line by line its translation", metavar="FILE", unset="none", group=_OWN
    )
    valid_source: str | None = option(
        None,
        "source side of your own validation text",
        metavar="FILE",
        unset=_APART,
        group=_OWN,
    )
    valid_target: str | None = option(
        None, "target side of your own validation text", metavar="FILE", unset=_APART, group=_OWN
    )
    test_source: str | None = option(
        None, "source side of your own test text, kept as it is", metavar="FILE",
        unset=_APART, group=_OWN,
    )  # fmt: skip
    test_target: str | None = option(
        None, "target side of your own test text", metavar="FILE", unset=_APART, group=_OWN
    )
    folder: str | None = option(
        None, "take the files from this folder (multi30k)", metavar="DIR", flag="--from", unset="they are downloaded",
        group=_WHERE,
    )  # fmt: skip
    mirror: str | None = option(
        None, "download from here (multi30k, wmt14-en-de)", metavar="URL", unset="the corpus' own site", group=_WHERE
    )
    max_download: float = option(
        DEFAULT_LIMITS.most / 1e9, "GB that a downloaded file may have, as it comes and as it is unpacked (multi30k, "
        "wmt14-en-de)", between(0.001, 1e6), metavar="GB", group=_WHERE,
    )  # fmt: skip
    timeout: float = option(
        DEFAULT_LIMITS.timeout, "seconds that a server may send nothing, or next to nothing, before it is asked again",
        between(0.1, 86400), metavar="SECONDS", group=_WHERE,
    )  # fmt: skip
    retries: int = option(
        DEFAULT_LIMITS.retries, "further attempts, in a row, that bring nothing new", at_least(0), group=_WHERE
    )
    source_lang: str = option("en", "code of the language that is translated from", _CODE, metavar="LANG", group=_WHERE)
    target_lang: str = option("de", "code of the language that is translated into", _CODE, metavar="LANG", group=_WHERE)
    pairs: int | None = option(None, "training pairs to keep", at_least(1), unset="all", group=_SPLIT)
    valid: int = option(
        1000, "validation pairs to set apart, where the corpus has no such text", at_least(1), group=_SPLIT
    )
    test: int = option(2000, "test pairs to set apart, where the corpus has no such text", at_least(1), group=_SPLIT)
    seed: int = option(1, "seed of the split, of the order, and of samples", seeds(), group=_SPLIT)
    vocab_size: int = option(
        8000,
        "pieces of the joint SentencePiece model; fitted to a text that cannot have so many; "
        f"with wmt14-en-de {WMT14_VOCAB_SIZE} unless given",
        at_least(1),
        group=_SUBWORDS,
    )
    sample: int = option(
        200_000, "pairs that the SentencePiece model is trained on, at most", at_least(1), group=_SUBWORDS
    )
    sampled_copies: int = option(
        0,
        "further copies of the training text, each segmented at random (subword regularisation); epochs take them in "
        "turn, after the text in its most probable pieces",
        at_least(0),
        group=_SUBWORDS,
    )
    sampled_alpha: float = option(
        0.5,
        "a segmentation of a copy is drawn with its probability to this power: the smaller, the shorter the pieces and "
        "the more of them",
        between(0, 1),
        group=_SUBWORDS,
    )
    min_length: int = option(
        LengthRules.min_length, "shortest training sentence, in pieces", at_least(1), group=_LENGTHS
    )
    max_length: int = option(
        LengthRules.max_length, "longest training sentence, in pieces", at_least(1), group=_LENGTHS
    )
    max_ratio: float = option(
        LengthRules.max_ratio,
        "drop a pair if one side has more than so many times the pieces of the other, as compared with what is usual "
        "in the corpus",
        at_least(1),
        group=_LENGTHS,
    )

    def limits(self) -> Limits:
        """What servers are granted."""
        return Limits(int(self.max_download * 1e9), self.timeout, self.retries)

    def recorded(self) -> dict[str, Any]:
        """What a folder keeps of them: not how its text was fetched, and no password."""
        kept = {name: value for name, value in asdict(self).items() if name not in LIMITS}
        return kept | {"mirror": None if self.mirror is None else without_password(self.mirror)}
