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

    def turned(self) -> Document:
        """The other way round: target to source."""
        return Document(self.name, _turned(self.pairs))


@dataclass(frozen=True)
class Splits:
    train: list[Pair]
    valid: list[Pair]
    test: list[Pair]

    def turned(self) -> Splits:
        """The other way round: target to source."""
        return Splits(_turned(self.train), _turned(self.valid), _turned(self.test))

    def items(self) -> list[tuple[str, list[Pair]]]:
        return [("train", self.train), ("valid", self.valid), ("test", self.test)]


def _turned(pairs: Sequence[Pair]) -> list[Pair]:
    return [(target, source) for source, target in pairs]
