"""What a corpus is, before and after it is split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Pair = tuple[str, str]  # source line, target line


@dataclass(frozen=True)
class Document:
    """Pairs that belong together (a page, an article) and must not be torn apart by a split."""

    name: str
    pairs: Sequence[Pair]


@dataclass(frozen=True)
class Splits:
    train: list[Pair]
    valid: list[Pair]
    test: list[Pair]

    def items(self) -> list[tuple[str, list[Pair]]]:
        return [("train", self.train), ("valid", self.valid), ("test", self.test)]
