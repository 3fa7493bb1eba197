"""How long a training pair may be, and how unlike its sides."""

from __future__ import annotations

import math
from dataclasses import dataclass

_SLACK = 8  # pieces by which the sides of a pair may differ whatever their ratio: that of short ones says little


@dataclass(frozen=True)
class LengthRules:
    """Limits on the length of a training pair, in SentencePiece pieces."""

    min_length: int = 1
    max_length: int = 250
    max_ratio: float = 1.5  # the longer side over the shorter one, once the sides are made comparable by:
    typical_ratio: float = 1.0  # target pieces per source piece, usual in the corpus


def violated_length_rule(source: int, target: int, rules: LengthRules) -> str | None:
    """The rule that a pair of so many pieces breaks, None for a good one.

    The ratio is that to what is typical of the corpus: languages, and scripts above all, differ in pieces.
    """
    if min(source, target) < rules.min_length or max(source, target) > rules.max_length:
        return "length"
    scale = math.sqrt(rules.typical_ratio)
    short, long = sorted((source * scale, target / scale))
    return "ratio" if long - short > _SLACK and long > rules.max_ratio * short else None
