"""Cleaning rules for bitext; every rule counts what it removes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from sse_nmt.text.pairs import SentencePair

# Soft hyphen, zero-width space, word joiner, byte order mark, bidirectional marks. The zero-width joiner and non-joiner
# are spelling (Persian, Sinhala, Bengali, Malayalam, Hindi, emoji), and stay.
_INVISIBLE = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # Unicode's category Cc
_BLANK_OF_PIECES, _LINE = "\u2581", "_"  # SentencePiece writes a blank as the first
_WAYS_OUT = {
    "length": " (`--min-length`, `--max-length`)",
    "length, of validation": " (`--max-length`)",
    "ratio": " (`--max-ratio`)",
}


def normalise(text: str) -> str:
    """Unicode NFC, no control or invisible characters, single blanks; idempotent."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text)).replace(_BLANK_OF_PIECES, _LINE)
    if not text.isprintable():
        text = _CONTROL.sub(" ", text)
    return " ".join(text.split())


def invisible_characters(pair: SentencePair) -> int:
    """How many characters `normalise` drops from a pair because nobody sees them."""
    return sum(len(_INVISIBLE.findall(text)) for text in pair if not text.isascii())


def violated_rule(pair: SentencePair) -> str | None:
    """The rule that a normalised pair breaks by itself, None for a good one."""
    if not all(pair):
        return "empty"
    return "untranslated" if pair[0] == pair[1] else None


def what_was_removed(removed: Mapping[str, int]) -> str:
    """Rules and counts for a sentence, with the options that change them."""
    counts = [f"{rule} {count:,}{_WAYS_OUT.get(rule, '')}" for rule, count in sorted(removed.items()) if count]
    return ", ".join(counts) or "there was none"
