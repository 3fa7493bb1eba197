"""Segmenting bitext of any size, on all cores: pieces and ids, and what the length rules drop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sse_nmt.corpora.pipeline.binary_text import IdBlock, ModelIds
from sse_nmt.system.atomic_files import atomic_write
from sse_nmt.system.progress import Progress
from sse_nmt.system.workers import Workers
from sse_nmt.text.bitext import Bitext
from sse_nmt.text.blocks import Block, as_lines, count_blocks, kept_blocks
from sse_nmt.text.length_rules import LengthRules, violated_length_rule
from sse_nmt.text.subwords import Segmenter, load_model


@dataclass
class Segmented:
    """What became of one corpus."""

    pairs: int = 0
    source_tokens: int = 0
    target_tokens: int = 0
    removed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class SegmentedBlock:
    """Of the pairs that are left, text, pieces and ids; of the others, the rule."""

    texts: tuple[bytes, bytes]  # lines of the source and of the target
    pieces: tuple[bytes, bytes]
    ids: tuple[IdBlock, IdBlock]  # the model's
    rules: list[str | None]  # of every pair

    @property
    def pairs(self) -> int:
        return self.rules.count(None)

    def first(self, pairs: int) -> SegmentedBlock:
        """The same as if the block had ended with the ``pairs``-th pair that is left."""
        if pairs >= self.pairs:
            return self
        left = [place for place, rule in enumerate(self.rules) if rule is None][:pairs]
        texts, pieces = ([part.split(b"\n")[:pairs] for part in parts] for parts in (self.texts, self.pieces))
        return SegmentedBlock(
            texts=(_joined(texts[0]), _joined(texts[1])),
            pieces=(_joined(pieces[0]), _joined(pieces[1])),
            ids=(self.ids[0].first(pairs), self.ids[1].first(pairs)),
            rules=self.rules[: left[-1] + 1 if left else 0],
        )


def segment(
    bitexts: Sequence[Bitext],
    keep: NDArray[np.bool_],
    model: Path,
    rules: LengthRules,
    files: Sequence[Path],
    ids: Sequence[ModelIds],
    limit: int | None = None,
) -> dict[str, Segmented]:
    """Write the pairs marked in ``keep`` (one entry a pair of all ``bitexts``) that the rules let pass.

    Args:
        files: where source and target text and their pieces go.
        ids: and their ids.
        limit: at most so many pairs; what comes after the last is not looked at.

    Returns:
        What became of each bitext.
    """
    corpora = {bitext.name: Segmented(removed=Counter()) for bitext in bitexts}
    left = int(np.count_nonzero(keep)) if limit is None else limit
    with (
        Workers(_begin, model, rules, tasks=sum(map(count_blocks, bitexts))) as workers,
        Progress(len(keep), "segmenting", "pairs") as progress,
        ExitStack() as stack,
    ):
        outputs = [stack.enter_context(atomic_write(path, "wb")) for path in files]
        offset = 0
        for bitext in bitexts:
            corpus = corpora[bitext.name]
            mine = keep[offset : offset + bitext.pairs]
            offset += bitext.pairs
            for whole in workers.map(segment_block, kept_blocks(bitext, mine)):
                block = whole.first(left)
                left -= block.pairs
                for output, content in zip(outputs, (*block.texts, *block.pieces), strict=True):
                    output.write(content)
                for side, part in zip(ids, block.ids, strict=True):
                    side.add(part)
                _add(corpus, block)
                progress.advance(len(block.rules))
                if left == 0:
                    break
            corpus.removed["duplicate"] = int(np.count_nonzero(~mine))
            progress.advance(corpus.removed["duplicate"])
    return corpora


def _joined(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _add(corpus: Segmented, block: SegmentedBlock) -> None:
    corpus.pairs += block.pairs
    corpus.source_tokens += block.ids[0].tokens
    corpus.target_tokens += block.ids[1].tokens
    corpus.removed += Counter(rule for rule in block.rules if rule is not None)


_segmenter: Segmenter  # of a worker
_rules: LengthRules


def _begin(model: Path, rules: LengthRules) -> None:
    global _segmenter, _rules
    _segmenter, _rules = Segmenter(load_model(model)), rules


def segment_block(block: Block) -> SegmentedBlock:
    texts = [[line.decode() for line in lines] for lines in (block.source, block.target)]
    ids = [_segmenter.ids(lines) for lines in texts]
    rules = [violated_length_rule(len(source), len(target), _rules) for source, target in zip(*ids, strict=True)]
    sides = [_side(*side, rules) for side in zip(texts, ids, strict=True)]
    (source, target), (source_pieces, target_pieces), (source_ids, target_ids) = zip(*sides, strict=True)
    return SegmentedBlock((source, target), (source_pieces, target_pieces), (source_ids, target_ids), rules)


def _side(texts: list[str], ids: list[list[int]], rules: Sequence[str | None]) -> tuple[bytes, bytes, IdBlock]:
    """One side of the pairs that are left: text, pieces, ids."""
    kept = [number for number, rule in enumerate(rules) if rule is None]
    lines, segmented = [texts[number] for number in kept], [ids[number] for number in kept]
    pieces = as_lines(map(_segmenter.in_pieces, lines, segmented))
    return as_lines(lines), pieces, IdBlock.of(segmented, len(_segmenter.pieces))
