"""Setting validation and test text apart: whole documents, in a seeded order, none of whose sentences also trains.

In memory are some 40 bytes a pair, and the text that is set apart.
"""

from __future__ import annotations

import mmap
import random
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sse_nmt.corpora.pipeline.clean import CleanFiles
from sse_nmt.system.atomic_files import atomic_write, write_lines
from sse_nmt.text.bitext import Bitext
from sse_nmt.text.pairs import SentencePair

_AT_ONCE = 1 << 16  # lines
_BLOCK = 1 << 24  # bytes that are looked through at a time
Places = NDArray[np.int64]  # of pairs, in all clean files one after the other


@dataclass(frozen=True)
class SplitPlaces:
    train: Places
    valid: Places
    test: Places


def place_splits(
    bitexts: Sequence[Bitext], cleaned: Sequence[CleanFiles], first: NDArray[np.bool_], valid: int, test: int, seed: int
) -> SplitPlaces:
    """Whole documents go to test and valid, in seeded order, until each holds its number of pairs; the rest trains,
    in seeded random order, and so does a document that alone has more.

    Args:
        first: of each clean pair, whether it is not a duplicate.
    """
    documents, names = _documents(bitexts, cleaned)
    sizes = np.bincount(documents[first], minlength=len(names))
    members, starts = np.flatnonzero(first), np.cumsum(sizes) - sizes
    shuffled = array("q", sorted(range(len(names)), key=names.__getitem__))
    generator = random.Random(seed)
    generator.shuffle(shuffled)  # which does with an array
    order = np.frombuffer(shuffled, dtype=np.int64)
    of_test, order = _take(order, sizes, test)
    of_valid, order = _take(order, sizes, valid)
    parts = [_pairs_of(part, members, starts, sizes) for part in (order, of_valid, of_test)]
    train = array("q", parts[0].tobytes())
    generator.shuffle(train)
    return SplitPlaces(np.frombuffer(train, dtype=np.int64), *parts[1:])


def write_splits(cleaned: Sequence[CleanFiles], places: SplitPlaces, folder: Path) -> Counter[str]:
    """Write ``folder/{train,valid,test}.{source,target}``; return how many pairs were dropped, rule by rule.

    Validation and test pairs whose source or target also stands in training, and test pairs whose source or target
    stands in validation, are dropped and counted under "also in training" and "also in validation".
    """
    removed: Counter[str] = Counter()
    with _Lines([files.source for files in cleaned]) as sources, _Lines([files.target for files in cleaned]) as targets:
        apart = {
            name: list(zip(sources.at(which), targets.at(which), strict=True))
            for name, which in (("valid", places.valid), ("test", places.test))
        }
        seen = []
        for side, lines in enumerate((sources, targets)):
            wanted = {pair[side] for pairs in apart.values() for pair in pairs}
            seen.append(_copy(lines, places.train, wanted, folder / f"train.{('source', 'target')[side]}"))
    for name in apart:
        apart[name] = _without(apart[name], seen[0], seen[1], "also in training", removed)
    valid = [{pair[side] for pair in apart["valid"]} for side in (0, 1)]
    apart["test"] = _without(apart["test"], valid[0], valid[1], "also in validation", removed)
    for name, pairs in apart.items():
        for side, kind in enumerate(("source", "target")):
            write_lines(folder / f"{name}.{kind}", (pair[side].decode() for pair in pairs))
    return removed


def read_split(folder: Path, name: str) -> list[SentencePair]:
    texts = ((folder / f"{name}.{kind}").read_text(encoding="utf-8").split("\n")[:-1] for kind in ("source", "target"))
    return list(zip(*texts, strict=True))


def _documents(bitexts: Sequence[Bitext], cleaned: Sequence[CleanFiles]) -> tuple[Places, Sequence[str]]:
    """The number of each clean pair's document, and the documents' names; a pair without one is one by itself."""
    numbers: list[Places] = []
    names: list[str] = []
    for bitext, files in zip(bitexts, cleaned, strict=True):
        if bitext.documents is None:
            of_raw = np.arange(bitext.pairs, dtype=np.int64)
            mine = _NumberNames(bitext.pairs) if len(bitexts) == 1 else [f"{i:012d}" for i in range(bitext.pairs)]
        else:
            lines = bitext.documents.read_text(encoding="utf-8").split("\n")[:-1]
            counts = [int(line.partition("\t")[0]) for line in lines]
            of_raw = np.repeat(np.arange(len(lines), dtype=np.int64), counts)
            mine = [line.partition("\t")[2] for line in lines]
        numbers.append(len(names) + of_raw[np.fromfile(files.kept, dtype=np.bool_)])
        if len(bitexts) == 1:
            return numbers[0], mine
        names += mine
    return np.concatenate(numbers), names


class _NumberNames(Sequence[str]):
    """As many names, each its number: they sort as they stand, and none takes memory."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        return place


def _take(documents: Places, sizes: Places, count: int) -> tuple[Places, Places]:
    """Documents of together ``count`` pairs, or all that can be had, and the others; each in their order."""
    if count == 0:
        return documents[:0], documents
    taken = sizes[documents] <= count
    sums = np.cumsum(np.where(taken, sizes[documents], 0))
    taken[int(np.searchsorted(sums, count)) + 1 :] = False
    return documents[taken], documents[~taken]


def _pairs_of(documents: Places, members: Places, starts: Places, sizes: Places) -> Places:
    """The pairs of documents, in the documents' order."""
    counts = sizes[documents]
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return members[np.repeat(starts[documents], counts) + within]


def _copy(lines: _Lines, places: Places, wanted: set[bytes], path: Path) -> set[bytes]:
    """Write the lines at ``places``; return which of those ``wanted`` are among them."""
    seen = set()
    with atomic_write(path, "wb") as file:
        for line in lines.at(places):
            file.write(line + b"\n")
            if line in wanted:
                seen.add(line)
    return seen


def _without(
    pairs: Sequence[tuple[bytes, bytes]], sources: set[bytes], targets: set[bytes], rule: str, removed: Counter[str]
) -> list[tuple[bytes, bytes]]:
    """The pairs of which neither side is in the sets."""
    kept = [pair for pair in pairs if pair[0] not in sources and pair[1] not in targets]
    removed[rule] += len(pairs) - len(kept)
    return kept


def _line_ends(text: NDArray[np.uint8]) -> Places:
    blocks = range(0, len(text), _BLOCK)
    return np.concatenate([start + np.flatnonzero(text[start : start + _BLOCK] == ord("\n")) for start in blocks])


class _Lines:
    """The lines of several files as one sequence, read where they are wanted."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [open(path, "rb") for path in paths if path.stat().st_size > 0]  # an empty one cannot be mapped
        self._maps = [mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) for file in self._files]
        self._ends = [_line_ends(np.frombuffer(each, dtype=np.uint8)) for each in self._maps]
        self._firsts = np.cumsum([0, *map(len, self._ends)])

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()

    def at(self, places: Places) -> Iterator[bytes]:
        """The lines at ``places``, without their ends."""
        for first in range(0, len(places), _AT_ONCE):
            some = places[first : first + _AT_ONCE]
            of_file = np.searchsorted(self._firsts, some, side="right") - 1
            for number, place in zip(of_file.tolist(), some.tolist(), strict=True):
                ends, here = self._ends[number], place - int(self._firsts[number])
                start = int(ends[here - 1]) + 1 if here else 0
                yield self._maps[number][start : int(ends[here])]
