"""What the measurements can be told, with every default."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OpOptions:
    ids: int = 1_000_000
    prob: float = 0.01
    repeats: int = 30
    seed: int = 1


@dataclass(frozen=True)
class OverheadOptions:
    width: int = 256
    layers: int = 2
    words: int = 8000
    tokens: int = 1600
    pairs: int = 40
    seed: int = 1
