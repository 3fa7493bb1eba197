"""Cleaning bitext of any size: every pair is looked at by itself, on all cores, in the order of the corpus."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sse_nmt.system.atomic_files import atomic_write
from sse_nmt.system.progress import Progress
from sse_nmt.system.workers import Workers
from sse_nmt.text.bitext import Bitext
from sse_nmt.text.blocks import Block, as_lines, count_blocks, read_blocks
from sse_nmt.text.cleaning import invisible_characters, normalise, violated_rule
from sse_nmt.text.pairs import SentencePair

HASH_BYTES = 8


@dataclass(frozen=True)
class KeptOut:
    """Normalised sentences that no training pair may have on their side, and the rule that says so."""

    rule: str
    source: frozenset[str]
    target: frozenset[str]

    @classmethod
    def of(cls, rule: str, pairs: Sequence[SentencePair]) -> KeptOut:
        return cls(rule, *(frozenset(normalise(pair[side]) for pair in pairs) for side in (0, 1)))


@dataclass(frozen=True)
class CleanBlock:
    source: bytes
    target: bytes
    hashes: bytes
    kept: bytes  # 1 for each pair that is left, 0 for the others
    removed: Counter[str]
    invisible: int  # characters dropped


@dataclass(frozen=True)
class CleanFiles:
    """What is left of one bitext, and which of its pairs that is, a byte each."""

    source: Path
    target: Path
    kept: Path

    @classmethod
    def of(cls, folder: Path, name: str) -> CleanFiles:
        return cls(*(folder / f"{name}.{kind}" for kind in ("source", "target", "kept")))

    @property
    def all(self) -> list[Path]:
        return [self.source, self.target, self.kept]


def clean(
    bitexts: Sequence[Bitext], kept_out: Mapping[str, Sequence[SentencePair]], folder: Path, hashes: Path
) -> dict[str, Counter[str]]:
    """Write the `CleanFiles` of each of ``bitexts`` to ``folder``, and one hash a pair, in order, to ``hashes``.

    Returns what each lost, rule by rule, under "kept" the pairs left, and under "invisible" the characters that nobody
    sees and nobody will miss. Duplicates are left in: the hashes tell.
    """
    counts: dict[str, Counter[str]] = {}
    rules = [KeptOut.of(rule, pairs) for rule, pairs in kept_out.items()]
    with (
        Workers(_begin, rules, tasks=sum(map(count_blocks, bitexts))) as workers,
        atomic_write(hashes, "wb") as digests,
        Progress(sum(bitext.pairs for bitext in bitexts), "cleaning", "pairs") as progress,
    ):
        for bitext in bitexts:
            counts[bitext.name] = Counter()
            with ExitStack() as files:
                paths = CleanFiles.of(folder, bitext.name).all
                source, target, kept = (files.enter_context(atomic_write(path, "wb")) for path in paths)
                for block in workers.map(clean_block, read_blocks(bitext)):
                    for file, content in ((source, block.source), (target, block.target), (kept, block.kept)):
                        file.write(content)
                    digests.write(block.hashes)
                    left = sum(block.kept)
                    counts[bitext.name] += Counter(kept=left, invisible=block.invisible) + block.removed
                    progress.advance(len(block.kept))
    return counts


def _begin(kept_out: Sequence[KeptOut]) -> None:
    global _kept_out
    _kept_out = kept_out


_kept_out: Sequence[KeptOut] = ()  # of a worker


def clean_block(block: Block) -> CleanBlock:
    """Normalise the pairs of a block and drop those that break a rule."""
    left: list[SentencePair] = []
    kept = bytearray()
    removed: Counter[str] = Counter()
    invisible = 0
    for source, target in zip(block.source, block.target, strict=True):
        raw = _decode(source, target)
        pair = None if raw is None else (normalise(raw[0]), normalise(raw[1]))
        invisible += 0 if raw is None else invisible_characters(raw)
        rule = "not UTF-8" if pair is None else violated_rule(pair) or _where_it_must_not_stand(pair)
        kept.append(rule is None)
        if rule is not None:
            removed[rule] += 1
        elif pair is not None:
            left.append(pair)
    source_text, target_text = (as_lines(pair[side] for pair in left) for side in (0, 1))
    hashes = (hashlib.blake2b("\n".join(pair).encode(), digest_size=HASH_BYTES).digest() for pair in left)
    return CleanBlock(source_text, target_text, b"".join(hashes), bytes(kept), removed, invisible)


def _decode(source: bytes, target: bytes) -> SentencePair | None:
    try:
        return source.decode(), target.decode()
    except UnicodeDecodeError:
        return None


def _where_it_must_not_stand(pair: SentencePair) -> str | None:
    return next((each.rule for each in _kept_out if pair[0] in each.source or pair[1] in each.target), None)
