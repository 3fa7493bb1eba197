"""What the measurements can be told, with every default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sse_nmt.corpora.options import BulkOptions
from sse_nmt.errors import UserError
from sse_nmt.evaluation.options import NewstestOptions


@dataclass(frozen=True)
class OpOptions:
    ids: int = 1_000_000
    prob: float = 0.01
    repeats: int = 30
    graph: bool = False
    seed: int = 1


@dataclass(frozen=True)
class OverheadOptions:
    width: int = 256
    layers: int = 2
    words: int = 8000
    tokens: int = 1600
    pairs: int = 40
    seed: int = 1


@dataclass(frozen=True)
class TrainOptions:
    sizes: str = "8000x128,8000x512,32000x128,32000x512"
    layers: int = 2
    tokens: int = 2048
    batches: int = 8
    rounds: int = 8
    seed: int = 1
    peers: str | None = None


@dataclass(frozen=True)
class LossOptions:
    words: int = 32_000
    width: int = 512
    tokens: int = 25_000
    rounds: int = 3
    seed: int = 1


@dataclass(frozen=True)
class PreparationOptions:
    pairs: int = 200_000
    source: str | None = None  # None: a made-up text
    target: str | None = None
    pieces: int = BulkOptions.pieces
    sample: int = BulkOptions.sample
    seed: int = 1


@dataclass(frozen=True)
class DecodingOptions:
    sentences: int = 500
    rounds: int = 3
    beam: int = NewstestOptions.beam
    length_penalty: float = NewstestOptions.length_penalty
    seed: int = 1


@dataclass(frozen=True)
class FactorizedOptions:
    width: int = 512
    layers: int = 6
    heads: int = 8
    words: int = 8000
    tokens: int = 2048
    rounds: int = 10
    sentences: int = 32
    length: int = 25
    beam: int = NewstestOptions.beam
    seed: int = 1


def check_least(options: Any, **least: int) -> None:
    """Raise UserError for the first of these options that is below what can be measured."""
    for name, value in least.items():
        if getattr(options, name) < value:
            raise UserError(f"`--{name}` must be at least {value}, but is {getattr(options, name)} instead.")
