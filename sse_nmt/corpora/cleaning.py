"""Cleaning rules for bitext; every rule counts what it removes."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from sse_nmt.corpora.options import LengthRules
from sse_nmt.corpora.pairs import Document, Pair

_INVISIBLE = re.compile("[\u00ad\u200b\u200c\u200d\u2060\ufeff]")  # soft hyphen, zero-width marks
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # Unicode's category Cc


def normalise(text: str) -> str:
    """Unicode NFC, no control or invisible characters, single blanks."""
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    if not text.isprintable():
        text = _CONTROL.sub(" ", text)
    return " ".join(text.split())


def fault(pair: Pair) -> str | None:
    """The rule that a normalised pair breaks by itself, None for a good one."""
    if not all(pair):
        return "empty"
    return "untranslated" if pair[0] == pair[1] else None


def length_fault(source: int, target: int, rules: LengthRules) -> str | None:
    """The rule that a pair of so many pieces breaks, None for a good one."""
    short, long = sorted((source, target))
    if short < rules.min_length or long > rules.max_length:
        return "length"
    return "ratio" if long > rules.max_ratio * short else None


def clean_documents(documents: Iterable[Document], removed: Counter[str]) -> Iterator[Document]:
    """Normalise; drop empty, untranslated and duplicate pairs, counting each rule in ``removed``."""
    seen: set[Pair] = set()
    for document in documents:
        yield Document(document.name, list(_clean_pairs(document.pairs, seen, removed)))


def _clean_pairs(pairs: Iterable[Pair], seen: set[Pair], removed: Counter[str]) -> Iterator[Pair]:
    for raw in pairs:
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
