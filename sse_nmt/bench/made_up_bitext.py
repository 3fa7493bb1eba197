"""A bitext of invented words, as large as wanted: the pipeline's work on it is that on real text of its lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sse_nmt.text.blocks import as_lines

WORDS = 60_000  # of each language
_MEAN, _SIGMA = 25.0, 0.55  # words of a sentence, log-normal
_LEAST = 2
_CHUNK = 10_000  # pairs made at a time
_DROPPED, _DOUBLED = 0.04, 0.04  # source words whose translation is missing, or said twice
_REPEATED, _EMPTY, _COPIED = 0.01, 0.002, 0.002  # pairs that the rules of cleaning are for
_CONSONANTS = ("b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "st", "tr", "sch")
_VOWELS = (("a", "e", "i", "o", "u", "ea", "ou", "y"), (*"aeiou" * 4, "ei", "au", "ie", "ä", "ö", "ü"))
_ENDS = ("", "", "", "n", "r", "s", "t")


def write_bitext(source: Path, target: Path, pairs: int, seed: int) -> None:
    """Write ``pairs`` lines to each file, the same for the same seed, whatever ``pairs`` are.

    Words follow Zipf's law. A target sentence is the source word by word, but for some words more or less, so that
    lengths correspond. A few pairs repeat the one before, lack their target, or have the source in its place.
    """
    generator = np.random.default_rng(seed)
    sides = [_vocabulary(vowels, generator) for vowels in _VOWELS]
    with open(source, "wb") as source_file, open(target, "wb") as target_file:
        for start in range(0, pairs, _CHUNK):
            lines = _chunk(sides, generator)
            for file, side in zip((source_file, target_file), lines, strict=True):
                file.write(as_lines(side[: pairs - start]))


def _vocabulary(vowels: Sequence[str], generator: np.random.Generator) -> list[str]:
    """Different words, the most frequent first; those are the shortest."""
    words: dict[str, None] = {}
    syllables = [onset + vowel + end for onset in _CONSONANTS for vowel in vowels for end in _ENDS]
    while len(words) < WORDS:
        rank = np.arange(len(words), WORDS)
        counts = np.maximum(1, generator.poisson(0.3 + 0.1 * np.log1p(rank)))
        drawn = iter(generator.integers(len(syllables), size=counts.sum()).tolist())
        words.update((("".join(syllables[next(drawn)] for _ in range(count))), None) for count in counts.tolist())
    return list(words)


def _chunk(sides: Sequence[list[str]], generator: np.random.Generator) -> tuple[list[str], list[str]]:
    likely = np.cumsum(1 / np.arange(1, WORDS + 1))
    lengths = generator.lognormal(np.log(_MEAN) - _SIGMA**2 / 2, _SIGMA, _CHUNK).round().astype(np.int64).clip(_LEAST)
    ids = np.searchsorted(likely, generator.random(lengths.sum()) * likely[-1])
    times = generator.choice([0, 1, 2], size=len(ids), p=[_DROPPED, 1 - _DROPPED - _DOUBLED, _DOUBLED])
    ends = np.cumsum(lengths)
    target_ends = np.cumsum(times)[ends - 1]
    source = list(_sentences(sides[0], ids, ends))
    target = list(_sentences(sides[1], np.repeat(ids, times), target_ends))
    fate = generator.random(_CHUNK)
    for i in np.flatnonzero(fate < _REPEATED)[1:]:
        source[i], target[i] = source[i - 1], target[i - 1]
    for i in np.flatnonzero(fate > 1 - _EMPTY):
        target[i] = ""
    for i in np.flatnonzero((fate > 1 - _EMPTY - _COPIED) & (fate <= 1 - _EMPTY)):
        target[i] = source[i]
    return source, target


def _sentences(words: Sequence[str], ids: NDArray[np.int64], ends: NDArray[np.int64]) -> Iterator[str]:
    said = [words[i] for i in ids.tolist()]
    start = 0
    for end in ends.tolist():
        yield " ".join(said[start:end]).capitalize() + "."
        start = end
