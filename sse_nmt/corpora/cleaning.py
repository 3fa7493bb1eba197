"""Cleaning rules for bitext; every rule counts what it removes."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from sse_nmt.corpora.options import LengthRules
from sse_nmt.corpora.pairs import Document, Pair

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
_SLACK = 8  # pieces by which the sides of a pair may differ whatever their ratio: that of short ones says little


def normalise(text: str) -> str:
    """Unicode NFC, no control or invisible characters, single blanks; idempotent."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text)).replace(_BLANK_OF_PIECES, _LINE)
    if not text.isprintable():
        text = _CONTROL.sub(" ", text)
    return " ".join(text.split())


def invisible_characters(pair: Pair) -> int:
    """How many characters `normalise` drops from a pair because nobody sees them."""
    return sum(len(_INVISIBLE.findall(text)) for text in pair if not text.isascii())


def fault(pair: Pair) -> str | None:
    """The rule that a normalised pair breaks by itself, None for a good one."""
    if not all(pair):
        return "empty"
    return "untranslated" if pair[0] == pair[1] else None


def length_fault(source: int, target: int, rules: LengthRules) -> str | None:
    """The rule that a pair of so many pieces breaks, None for a good one.

    The ratio is that to what is typical of the corpus: languages, and scripts above all, differ in pieces.
    """
    if min(source, target) < rules.min_length or max(source, target) > rules.max_length:
        return "length"
    scale = math.sqrt(rules.typical_ratio)
    short, long = sorted((source * scale, target / scale))
    return "ratio" if long - short > _SLACK and long > rules.max_ratio * short else None


def what_was_removed(removed: Mapping[str, int]) -> str:
    """Rules and counts for a sentence, with the options that change them."""
    counts = [f"{rule} {count:,}{_WAYS_OUT.get(rule, '')}" for rule, count in sorted(removed.items()) if count]
    return ", ".join(counts) or "there was none"


def clean_documents(
    documents: Iterable[Document], removed: Counter[str], characters: Counter[str] | None = None
) -> Iterator[Document]:
    """Normalise; drop empty, untranslated and duplicate pairs, counting each rule in ``removed``.

    ``characters`` counts the invisible ones that were dropped.
    """
    characters = Counter() if characters is None else characters
    seen: set[Pair] = set()
    for document in documents:
        yield Document(document.name, list(_clean_pairs(document.pairs, seen, removed, characters)))


def _clean_pairs(
    pairs: Iterable[Pair], seen: set[Pair], removed: Counter[str], characters: Counter[str]
) -> Iterator[Pair]:
    for raw in pairs:
        characters["invisible"] += invisible_characters(raw)
        pair = normalise(raw[0]), normalise(raw[1])
        rule = fault(pair) or ("duplicate" if pair in seen else None)
        if rule is not None:
            removed[rule] += 1
        else:
            seen.add(pair)
            yield pair


def within_length(
    pairs: Iterable[Pair], length: Callable[[str], int], rules: LengthRules, removed: Counter[str]
) -> Iterator[Pair]:
    """The pairs that keep the length rules, counting those that do not in ``removed``."""
    for pair in pairs:
        rule = length_fault(length(pair[0]), length(pair[1]), rules)
        if rule is not None:
            removed[rule] += 1
        else:
            yield pair
