"""Cleaning bitext of any size: every pair is looked at by itself, on all cores, in the order of the corpus."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sse_nmt.atomic_files import whole_file
from sse_nmt.corpora.cleaning import fault, invisible_characters, normalise
from sse_nmt.corpora.pairs import Pair
from sse_nmt.corpora.streaming.blocks import Bitext, Block, as_lines, read_blocks
from sse_nmt.corpora.streaming.workers import Workers
from sse_nmt.progress import Progress

HASH_BYTES = 8


@dataclass(frozen=True)
class TestSentences:
    """Normalised sentences of test sets: no training pair may have one of them on its side."""

    source: frozenset[str]
    target: frozenset[str]

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> TestSentences:
        return cls(frozenset(normalise(pair[0]) for pair in pairs), frozenset(normalise(pair[1]) for pair in pairs))


@dataclass(frozen=True)
class CleanBlock:
    pairs: int
    source: bytes
    target: bytes
    hashes: bytes
    removed: Counter[str]
    invisible: int  # characters dropped


def clean(bitexts: Sequence[Bitext], tests: TestSentences, folder: Path, hashes: Path) -> dict[str, Counter[str]]:
    """Write ``folder/<name>.{source,target}`` for each of ``bitexts``, and one hash a pair, in order, to ``hashes``.

    Returns what each lost, rule by rule, under "kept" the pairs left, and under "invisible" the characters that nobody
    sees and nobody will miss. Duplicates are left in: the hashes tell.
    """
    counts: dict[str, Counter[str]] = {}
    with (
        Workers(_begin, tests) as workers,
        whole_file(hashes, "wb") as digests,
        Progress(sum(bitext.pairs for bitext in bitexts), "cleaning", "pairs") as progress,
    ):
        for bitext in bitexts:
            counts[bitext.name] = Counter()
            with ExitStack() as files:
                source, target = (
                    files.enter_context(whole_file(path, "wb")) for path in clean_files(folder, bitext.name)
                )
                for block in workers.map(clean_block, read_blocks(bitext)):
                    source.write(block.source)
                    target.write(block.target)
                    digests.write(block.hashes)
                    counts[bitext.name] += Counter(kept=block.pairs, invisible=block.invisible) + block.removed
                    progress.advance(block.pairs + block.removed.total())
    return counts


def clean_files(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.source", folder / f"{name}.target"


def _begin(tests: TestSentences) -> None:
    global _tests
    _tests = tests


_tests = TestSentences(frozenset(), frozenset())  # of a worker


def clean_block(block: Block) -> CleanBlock:
    """Normalise the pairs of a block and drop those that break a rule."""
    kept: list[Pair] = []
    hashes: list[bytes] = []
    removed: Counter[str] = Counter()
    invisible = 0
    for source, target in zip(block.source, block.target, strict=True):
        raw = _decode(source, target)
        pair = None if raw is None else (normalise(raw[0]), normalise(raw[1]))
        invisible += 0 if raw is None else invisible_characters(raw)
        rule = "not UTF-8" if pair is None else fault(pair) or _in_tests(pair)
        if rule is not None:
            removed[rule] += 1
        elif pair is not None:
            kept.append(pair)
            hashes.append(hashlib.blake2b("\n".join(pair).encode(), digest_size=HASH_BYTES).digest())
    source_text, target_text = (as_lines(pair[side] for pair in kept) for side in (0, 1))
    return CleanBlock(len(kept), source_text, target_text, b"".join(hashes), removed, invisible)


def _decode(source: bytes, target: bytes) -> Pair | None:
    try:
        return source.decode(), target.decode()
    except UnicodeDecodeError:
        return None


def _in_tests(pair: Pair) -> str | None:
    return "in a test set" if pair[0] in _tests.source or pair[1] in _tests.target else None
