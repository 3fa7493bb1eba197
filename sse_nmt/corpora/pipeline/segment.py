"""Segmenting bitext of any size, on all cores: pieces, what the length rules drop, and how often each piece stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from sse_nmt.system.atomic_files import atomic_write
from sse_nmt.system.progress import Progress
from sse_nmt.system.workers import Workers
from sse_nmt.text.bitext import Bitext
from sse_nmt.text.blocks import Block, as_lines, count_blocks, kept_blocks
from sse_nmt.text.length_rules import LengthRules, violated_length_rule
from sse_nmt.text.subwords import load_model


@dataclass
class Segmented:
    """What became of one corpus."""

    pairs: int = 0
    source_tokens: int = 0
    target_tokens: int = 0
    removed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class SegmentedBlock:
    """Of the pairs that are left, text and pieces; of the others, the rule."""

    texts: tuple[bytes, bytes]  # lines of the source and of the target
    pieces: tuple[bytes, bytes]
    tokens: tuple[int, int]
    counts: Counter[str]  # of the pieces
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
        words = [[word.decode() for line in side for word in line.split(b" ")] for side in pieces]
        return SegmentedBlock(
            texts=(_joined(texts[0]), _joined(texts[1])),
            pieces=(_joined(pieces[0]), _joined(pieces[1])),
            tokens=(len(words[0]), len(words[1])),
            counts=Counter(chain(*words)),
            rules=self.rules[: left[-1] + 1 if left else 0],
        )


def segment(
    bitexts: Sequence[Bitext],
    keep: NDArray[np.bool_],
    model: Path,
    rules: LengthRules,
    files: Sequence[Path],
    limit: int | None = None,
) -> tuple[dict[str, Segmented], Counter[str]]:
    """Write the pairs marked in ``keep`` (one entry a pair of all ``bitexts``) that the rules let pass.

    Args:
        files: where source and target text and their pieces go.
        limit: at most so many pairs; what comes after the last is not looked at.

    Returns:
        What became of each bitext, and the counts of the pieces.
    """
    corpora = {bitext.name: Segmented(removed=Counter()) for bitext in bitexts}
    counts: Counter[str] = Counter()
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
                _add(corpus, block)
                counts += block.counts
                progress.advance(len(block.rules))
                if left == 0:
                    break
            corpus.removed["duplicate"] = int(np.count_nonzero(~mine))
            progress.advance(corpus.removed["duplicate"])
    return corpora, counts


def _joined(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _add(corpus: Segmented, block: SegmentedBlock) -> None:
    corpus.pairs += block.pairs
    corpus.source_tokens += block.tokens[0]
    corpus.target_tokens += block.tokens[1]
    corpus.removed += Counter(rule for rule in block.rules if rule is not None)


_model: sentencepiece.SentencePieceProcessor  # of a worker
_rules: LengthRules


def _begin(model: Path, rules: LengthRules) -> None:
    global _model, _rules
    _model, _rules = load_model(model), rules


def segment_block(block: Block) -> SegmentedBlock:
    texts = [[line.decode() for line in lines] for lines in (block.source, block.target)]
    segmented = [_model.encode(lines, out_type=str, num_threads=1) for lines in texts]
    rules = [violated_length_rule(len(source), len(target), _rules) for source, target in zip(*segmented, strict=True)]
    kept = [number for number, rule in enumerate(rules) if rule is None]
    pieces = [[side[number] for number in kept] for side in segmented]
    return SegmentedBlock(
        texts=(as_lines(texts[0][number] for number in kept), as_lines(texts[1][number] for number in kept)),
        pieces=(as_lines(map(" ".join, pieces[0])), as_lines(map(" ".join, pieces[1]))),
        tokens=(sum(map(len, pieces[0])), sum(map(len, pieces[1]))),
        counts=Counter(chain.from_iterable(chain(*pieces))),
        rules=rules,
    )
