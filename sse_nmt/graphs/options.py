"""How graphs are built, with every default."""

from __future__ import annotations

from dataclasses import dataclass

SIDES = ("source", "target", "both")


@dataclass(frozen=True)
class PivotOptions:
    """Paraphrases through the other language."""

    side: str = "both"  # whose tokens become each other's neighbours
    top: int = 10  # most neighbours of a row
    least: float = 0.01  # least p(e'|e)
    sample: int = 200_000  # most pairs that are aligned
    seed: int = 1
