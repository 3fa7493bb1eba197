"""Cleaning rules for bitext; every rule counts what it removes."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from sse_nmt.corpora.options import LengthRules
from sse_nmt.corpora.pairs import Document, Pair

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))  # soft hyphen, zero-width marks


def normalise(text: str) -> str:
    """Unicode NFC, no control or invisible characters, single blanks."""
    text = unicodedata.normalize("NFC", text).translate(_INVISIBLE)
    visible = (" " if unicodedata.category(character) == "Cc" else character for character in text)
    return " ".join("".join(visible).split())


def clean_documents(documents: Iterable[Document], removed: Counter[str]) -> Iterator[Document]:
    """Normalise; drop empty, untranslated and duplicate pairs, counting each rule in ``removed``."""
    seen: set[Pair] = set()
    for document in documents:
        yield Document(document.name, list(_clean_pairs(document.pairs, seen, removed)))


def _clean_pairs(pairs: Iterable[Pair], seen: set[Pair], removed: Counter[str]) -> Iterator[Pair]:
    for raw in pairs:
        pair = normalise(raw[0]), normalise(raw[1])
        if not all(pair):
            removed["empty"] += 1
        elif pair[0] == pair[1]:
            removed["untranslated"] += 1
        elif pair in seen:
            removed["duplicate"] += 1
        else:
            seen.add(pair)
            yield pair


def within_length(
    pairs: Iterable[Pair], length: Callable[[str], int], rules: LengthRules, removed: Counter[str]
) -> Iterator[Pair]:
    """The pairs that keep the length rules, counting those that do not in ``removed``."""
    for pair in pairs:
        short, long = sorted((length(pair[0]), length(pair[1])))
        if short < rules.min_length or long > rules.max_length:
            removed["length"] += 1
        elif long > rules.max_ratio * short:
            removed["ratio"] += 1
        else:
            yield pair
