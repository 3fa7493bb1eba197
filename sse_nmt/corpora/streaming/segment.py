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

from sse_nmt.atomic_files import whole_file
from sse_nmt.corpora.cleaning import length_fault
from sse_nmt.corpora.options import LengthRules
from sse_nmt.corpora.segmentation import load_model
from sse_nmt.corpora.streaming.blocks import Bitext, Block, as_lines, kept_blocks
from sse_nmt.corpora.streaming.workers import Workers
from sse_nmt.progress import Progress


@dataclass
class Segmented:
    """What became of one corpus."""

    pairs: int = 0
    source_tokens: int = 0
    target_tokens: int = 0
    removed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class SegmentedBlock:
    counts: Segmented
    files: tuple[bytes, ...]  # source and target text, source and target pieces
    pieces: Counter[str]


def segment(
    bitexts: Sequence[Bitext], keep: NDArray[np.bool_], model: Path, rules: LengthRules, files: Sequence[Path]
) -> tuple[dict[str, Segmented], Counter[str]]:
    """Write the pairs marked in ``keep`` (one entry a pair of all ``bitexts``) that the rules let pass.

    ``files``: where source and target text and their pieces go. Returns what became of each bitext, and the counts
    of the pieces.
    """
    corpora = {bitext.name: Segmented(removed=Counter()) for bitext in bitexts}
    pieces: Counter[str] = Counter()
    with (
        Workers(_begin, model, rules) as workers,
        Progress(len(keep), "segmenting", "pairs") as progress,
        ExitStack() as stack,
    ):
        outputs = [stack.enter_context(whole_file(path, "wb")) for path in files]
        offset = 0
        for bitext in bitexts:
            corpus = corpora[bitext.name]
            mine = keep[offset : offset + bitext.pairs]
            offset += bitext.pairs
            for block in workers.map(segment_block, kept_blocks(bitext, mine)):
                for output, content in zip(outputs, block.files, strict=True):
                    output.write(content)
                _add(corpus, block.counts)
                pieces += block.pieces
                progress.advance(block.counts.pairs + block.counts.removed.total())
            corpus.removed["duplicate"] = int(np.count_nonzero(~mine))
            progress.advance(corpus.removed["duplicate"])
    return corpora, pieces


def _add(corpus: Segmented, block: Segmented) -> None:
    corpus.pairs += block.pairs
    corpus.source_tokens += block.source_tokens
    corpus.target_tokens += block.target_tokens
    corpus.removed += block.removed


_model: sentencepiece.SentencePieceProcessor  # of a worker
_rules: LengthRules


def _begin(model: Path, rules: LengthRules) -> None:
    global _model, _rules
    _model, _rules = load_model(model), rules


def segment_block(block: Block) -> SegmentedBlock:
    texts = [[line.decode() for line in lines] for lines in (block.source, block.target)]
    segmented = [_model.encode(lines, out_type=str, num_threads=1) for lines in texts]
    counts = Segmented(removed=Counter())
    kept = []
    for number, (source, target) in enumerate(zip(*segmented, strict=True)):
        rule = length_fault(len(source), len(target), _rules)
        if rule is not None:
            counts.removed[rule] += 1
            continue
        kept.append(number)
        counts.source_tokens += len(source)
        counts.target_tokens += len(target)
    counts.pairs = len(kept)
    pieces = Counter(chain.from_iterable(lines[number] for lines in segmented for number in kept))
    files = [as_lines(lines[number] for number in kept) for lines in texts]
    files += [as_lines(" ".join(lines[number]) for number in kept) for lines in segmented]
    return SegmentedBlock(counts, tuple(files), pieces)
