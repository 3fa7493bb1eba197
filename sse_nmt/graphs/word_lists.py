"""Word lists from Debian's packages: WordNet, OpenThesaurus and the dictionary of TU Chemnitz, as pairs of words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, product
from pathlib import Path

from sse_nmt.graphs.text_lines import numbered_lines
from sse_nmt.system.atomic_files import write_lines
from sse_nmt.system.debian_packages import fetch_packages
from sse_nmt.system.errors import UserError

Pairs = Iterator[tuple[str, str]]

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NOTE_AT_END = re.compile(r"\s+\(([^()]*)\)$")
_NOTE = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]|\([^()]*\)|<[^<>]*>|/[^/]*/")
_SOMEBODY = re.compile(r"\b(?:etw|jd[mns]?|sb|sth)\./?")  # or something: a place, no word
_WIDER = "Oberbegriff"  # a wider term is no synonym


def fetch_word_lists(folder: Path) -> Iterator[tuple[Path, int]]:
    """Fill ``folder`` with a list for each source; give each file and how many pairs it has.

    Raises:
        UserError: a package cannot be had, or is not as it was.
    """
    fetch_packages([package for package, _, _ in SOURCES.values()], folder / "packages", "fetch-lexicons")
    for name, (package, files, read) in SOURCES.items():
        found: set[tuple[str, str]] = set()
        share = folder / "packages" / package / "usr/share"
        paths = sorted(share.glob(files))
        if not paths:
            raise UserError(f"`{package}` must hold {files}, but there is no such file below {share}.")
        for path in paths:
            found.update(read(line for _, line in numbered_lines(path, "a dictionary")))
        write_lines(folder / name, ("\t".join(pair) for pair in sorted(found)))
        yield folder / name, len(found)


def wordnet_pairs(lines: Iterable[str]) -> Pairs:
    """The words of each synset of WordNet's ``data`` files (wndb(5)), two by two."""
    for line in lines:
        if line.startswith(" "):
            continue  # the licence
        fields = line.split(" ")
        words = fields[4 : 4 + 2 * int(fields[3], 16) : 2]
        yield from _within([re.sub(r"\((?:a|p|ip)\)$", "", word) for word in words])


def thesaurus_pairs(lines: Iterable[str]) -> Pairs:
    """A headword of MyThes's ``.dat`` files with each synonym, the spelling of both that of the synonyms.

    A headword is in small letters, ``word|meanings``; each meaning is a line of its own that holds it once more.
    """
    headword = ""
    for line in lines:
        mark, *words = line.split("|")
        if not mark.startswith(("-", "(")):
            headword = mark
            continue
        synonyms = [word for word in map(_synonym, words) if word]
        own = [word for word in synonyms if word.casefold() == headword.casefold()]
        for pair in product(own, synonyms):
            yield from _within(pair)


def translation_pairs(lines: Iterable[str]) -> Pairs:
    """German and English words of ding's ``de-en``: ``German; synonym {m} | phrase :: English; … | phrase``."""
    for line in lines:
        german, _, english = line.partition(" :: ")
        if line.startswith("#") or not english:
            continue
        for sides in zip(german.split("|"), english.split("|"), strict=False):
            yield from product(*map(_translations, sides))


def _within(words: Iterable[str]) -> Pairs:
    single = sorted({word for word in words if _WORD.fullmatch(word)})
    yield from combinations(single, 2)


def _synonym(word: str) -> str:
    """Without the notes at its end: eilends (geh.) -> eilends; nothing if it is a wider term."""
    while note := _NOTE_AT_END.search(word):
        if note[1] == _WIDER:
            return ""
        word = word[: note.start()]
    return word


def _translations(side: str) -> list[str]:
    """Single words: to run {ran; run} -> run; etw. öffnen {vt} -> öffnen."""
    phrases = _SOMEBODY.sub("", _NOTE.sub(" ", side)).split(";")
    words = [phrase.strip().removeprefix("to ").strip() for phrase in phrases]
    return [word for word in words if _WORD.fullmatch(word)]


# list -> (package, files below usr/share, how they are read)
SOURCES: dict[str, tuple[str, str, Callable[[Iterable[str]], Pairs]]] = {
    "english.tsv": ("wordnet-base", "wordnet/data.*", wordnet_pairs),
    "german.tsv": ("mythes-de", "mythes/th_de_DE_v2.dat", thesaurus_pairs),
    "german-english.tsv": ("trans-de-en", "trans/de-en", translation_pairs),
}
