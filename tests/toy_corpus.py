"""English–German sentences from a small grammar: text of our own that a tiny model can learn."""

from __future__ import annotations

import itertools
import random

_NOUNS = [
    ("dog", "der", "Hund"), ("cat", "die", "Katze"), ("child", "das", "Kind"), ("bird", "der", "Vogel"),
    ("house", "das", "Haus"), ("car", "das", "Auto"), ("flower", "die", "Blume"), ("book", "das", "Buch"),
]  # fmt: skip
_ADJECTIVES = [("red", "rote"), ("small", "kleine"), ("old", "alte"), ("quiet", "stille"), ("beautiful", "schöne")]
_STATES = [("is here", "ist hier"), ("is far away", "ist weit weg"), ("stays today", "bleibt heute"),
           ("was missing yesterday", "fehlte gestern"), ("belongs to us", "gehört uns")]  # fmt: skip


def sentences(count: int, seed: int = 1) -> list[tuple[str, str]]:
    """``count`` different pairs in seeded order (at most 200)."""
    every = [
        (f"The {adjective} {noun} {state}.", f"{article.capitalize()} {adjektiv} {nomen} {zustand}.")
        for (noun, article, nomen), (adjective, adjektiv), (state, zustand) in itertools.product(
            _NOUNS, _ADJECTIVES, _STATES
        )
    ]
    random.Random(seed).shuffle(every)
    return every[:count]
