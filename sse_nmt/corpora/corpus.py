"""What a corpus is to everybody else: where its text comes from, and which of it trains, validates and tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sse_nmt.corpora.options import COMMON, PrepareOptions
from sse_nmt.text.pairs import SentencePair

if TYPE_CHECKING:
    from sse_nmt.corpora.pipeline.steps import Steps
    from sse_nmt.text.bitext import Bitext


@dataclass(frozen=True)
class Fetched:
    """The text of a corpus on this machine.

    Args:
        bitexts: what trains, and what validation and test text are set apart from, where there are none. A corpus that
            has none is a test text alone.
        valid, test: text of its own, kept as it is; None where some of the bitexts is to be set apart.
        kept_out: rule -> pairs of which no sentence may stand in a training pair.
        in_order: the training text keeps its order; otherwise it is shuffled.
        versions: of what it comes from.
        inputs: a digest of what was read, where a folder must not be prepared from other text later.
    """

    bitexts: Sequence[Bitext]
    valid: Sequence[SentencePair] | None = None
    test: Sequence[SentencePair] | None = None
    kept_out: Mapping[str, Sequence[SentencePair]] = field(default_factory=dict)
    in_order: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)
    inputs: Any = None


@dataclass(frozen=True)
class Corpus:
    """A corpus that `sse-nmt prepare` knows.

    Args:
        about: one line of help.
        fetch: brings the text below a folder, in steps that are done once.
        options: which of `PrepareOptions` are for it, beside those that are ``common`` to all that trains.
        defaults: of options, where they are its own.
        check: raises UserError for options that cannot be, before anything is touched.
    """

    name: str
    about: str
    fetch: Callable[[PrepareOptions, Path, Steps], Fetched]
    options: frozenset[str] = frozenset()
    common: frozenset[str] = COMMON
    defaults: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[PrepareOptions], None] = lambda options: None
