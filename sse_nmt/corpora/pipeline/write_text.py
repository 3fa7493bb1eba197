"""Writing the text that trains, validates and tests, the same in pieces and in ids, and the dictionary of these."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.pipeline.binary_text import IdBlock, ModelIds, copy_dictionary, split_prefix
from sse_nmt.corpora.pipeline.sampled_copies import COPIES, binarise_copy, copy_folders, write_copies
from sse_nmt.corpora.pipeline.segment import segment
from sse_nmt.system.atomic_files import atomic_directory, write_lines
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import log_line
from sse_nmt.text.bitext import Bitext
from sse_nmt.text.cleaning import normalise, what_was_removed
from sse_nmt.text.dictionary import Vocabulary, write_dictionary
from sse_nmt.text.length_rules import LengthRules
from sse_nmt.text.pairs import SentencePair
from sse_nmt.text.subwords import Segmenter, load_model, within_max_length

SPLITS = {"train": "training", "valid": "validation", "test": "test"}


@dataclass(frozen=True)
class TextParts:
    """What is trained on, and what is not, between two steps."""

    train: Sequence[Bitext]
    keep: NDArray[np.bool_]  # of each pair of these, whether it may train
    valid: Sequence[SentencePair]
    test: Sequence[SentencePair]
    inputs: list[Path]  # the files that all of it is in

    @property
    def fingerprint(self) -> str:
        """Of the text that is not trained on."""
        digest = hashlib.sha256()
        for pairs in (self.valid, self.test):
            digest.update(repr(list(pairs)).encode())
        return digest.hexdigest()


def write_text(
    folder: Path,
    languages: tuple[str, str],
    text: TextParts,
    rules: LengthRules,
    removed: Counter[str],
    options: PrepareOptions,
) -> dict[str, Any]:
    """Write ``folder/{text,pieces,bin,copies}/`` and ``folder/dict.txt`` with the model that is there.

    Args:
        removed: what earlier steps have removed, for the sentence where nothing is left.
        options: how many pairs are kept, and how many copies are segmented at random, from which seed on.

    Returns:
        What became of each training text, how many validation pairs were too long, and unknown tokens.
    """
    path, dictionary = folder / "sentencepiece.model", folder / "dict.txt"
    model = load_model(path)
    segmenter = Segmenter(model)
    parts = [folder / part for part in ("text", "pieces", "bin")]
    with ExitStack() as stack:
        texts, pieces, binary = (stack.enter_context(atomic_directory(part)) for part in parts)
        ids = {split: [ModelIds(segmenter.pieces, binary) for _ in languages] for split in SPLITS}
        files = [part / f"train.{language}" for part in (texts, pieces) for language in languages]
        corpora = segment(text.train, text.keep, path, rules, files, ids["train"], options.pairs)
        dropped = sum((corpus.removed for corpus in corpora.values()), Counter(removed))
        _check_not_empty("train", sum(corpus.pairs for corpus in corpora.values()), dropped)
        valid = within_max_length(text.valid, model, rules.max_length, dropped)
        _check_not_empty("valid", len(valid), dropped)
        for split, pairs in (("valid", valid), ("test", text.test)):
            for side, language in enumerate(languages):
                outputs = texts / f"{split}.{language}", pieces / f"{split}.{language}"
                ids[split][side].add(_write([pair[side] for pair in pairs], segmenter, *outputs))
        counts = {split: source.counts + target.counts for split, (source, target) in ids.items()}
        if options.sampled_copies:
            wanted = (options.sampled_copies, options.sampled_alpha, rules.max_length, options.seed)
            copied = segmenter.counts(write_copies(texts, folder / COPIES, languages, path, *wanted))
            times = copied.sum() / (options.sampled_copies * counts["train"].sum())
            log_line(f"A copy has {times:.2f} times as many pieces as the text in its most probable ones.")
            counts["train"] += copied
        known = segmenter.known(counts["train"])
        write_dictionary(dictionary, known)
        vocabulary = Vocabulary.read(dictionary)
        for split, sides in ids.items():
            for language, side_ids in zip(languages, sides, strict=True):
                side_ids.write(binary / split_prefix(split, languages, language), vocabulary)
        copy_dictionary(dictionary, binary, languages)
    for copy in copy_folders(folder, options.sampled_copies):
        binarise_copy(copy, languages, dictionary, vocabulary)
    return {
        "corpora": {name: vars(corpus) for name, corpus in corpora.items()},
        "removed_of_valid": len(text.valid) - len(valid),
        "unknown": {split: _share_unknown(segmenter, each, known) for split, each in counts.items()},
    }


def _write(lines: Sequence[str], segmenter: Segmenter, text: Path, pieces: Path) -> IdBlock:
    """One side of a split, as it stands and in pieces; return its ids."""
    normal = [normalise(line) for line in lines]
    ids = segmenter.ids(normal)
    write_lines(text, lines)
    write_lines(pieces, map(segmenter.in_pieces, normal, ids))
    return IdBlock.of(ids, len(segmenter.pieces))


def _check_not_empty(split: str, pairs: int, removed: Counter[str]) -> None:
    if pairs == 0:
        raise UserError(f"The {SPLITS[split]} text must hold at least one pair, but {none_left(removed)}")


def none_left(removed: Counter[str]) -> str:
    return f"none is left after cleaning: {what_was_removed(removed)}."


def _share_unknown(segmenter: Segmenter, counts: NDArray[np.int64], known: Mapping[str, int]) -> float:
    unknown = sum(int(count) for piece, count in zip(segmenter.pieces, counts, strict=True) if piece not in known)
    return unknown / max(1, int(counts.sum()))
