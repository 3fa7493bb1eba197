"""Writing the text that trains, validates and tests, and the same in pieces; and the dictionary of these."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.pipeline.sampled_copies import COPIES, write_copies
from sse_nmt.corpora.pipeline.segment import segment
from sse_nmt.system.atomic_files import atomic_directory, write_lines
from sse_nmt.system.errors import UserError
from sse_nmt.text.bitext import Bitext
from sse_nmt.text.cleaning import normalise, what_was_removed
from sse_nmt.text.dictionary import write_dictionary
from sse_nmt.text.length_rules import LengthRules
from sse_nmt.text.pairs import SentencePair
from sse_nmt.text.subwords import load_model, piece_set, within_max_length

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
    """Write ``folder/{text,pieces,copies}/`` and ``folder/dict.txt`` with the model that is there.

    Args:
        removed: what earlier steps have removed, for the sentence where nothing is left.
        options: how many pairs are kept, and how many copies are segmented at random, from which seed on.

    Returns:
        What became of each training text, how many validation pairs were too long, and unknown tokens.
    """
    path = folder / "sentencepiece.model"
    model = load_model(path)
    with atomic_directory(folder / "text") as texts, atomic_directory(folder / "pieces") as pieces:
        files = [part / f"train.{language}" for part in (texts, pieces) for language in languages]
        corpora, counts = segment(text.train, text.keep, path, rules, files, options.pairs)
        dropped = sum((corpus.removed for corpus in corpora.values()), Counter(removed))
        _check_not_empty("train", sum(corpus.pairs for corpus in corpora.values()), dropped)
        valid = within_max_length(text.valid, model, rules.max_length, dropped)
        _check_not_empty("valid", len(valid), dropped)
        if options.sampled_copies:
            wanted = (options.sampled_copies, rules.max_length, options.seed)
            counts += write_copies(texts, folder / COPIES, languages, path, *wanted)
        known = {piece for piece in piece_set(model) if counts[piece]}  # as fairseq: a row that trains for each
        unknown = {"train": _share_unknown(counts, known)}
        for split, pairs in (("valid", valid), ("test", text.test)):
            here: Counter[str] = Counter()
            for side, language in enumerate(languages):
                lines = [pair[side] for pair in pairs]
                here += _write(lines, model, texts / f"{split}.{language}", pieces / f"{split}.{language}")
            unknown[split] = _share_unknown(here, known)
    write_dictionary(folder / "dict.txt", known, counts)
    return {
        "corpora": {name: vars(corpus) for name, corpus in corpora.items()},
        "removed_of_valid": len(text.valid) - len(valid),
        "unknown": unknown,
    }


def _write(lines: Sequence[str], model: sentencepiece.SentencePieceProcessor, text: Path, pieces: Path) -> Counter[str]:
    """One side of a split, as it stands and in pieces; the counts of these."""
    segmented = model.encode([normalise(line) for line in lines], out_type=str)
    write_lines(text, lines)
    write_lines(pieces, (" ".join(line) for line in segmented))
    return Counter(piece for line in segmented for piece in line)


def _check_not_empty(split: str, pairs: int, removed: Counter[str]) -> None:
    if pairs == 0:
        raise UserError(f"The {SPLITS[split]} text must hold at least one pair, but {none_left(removed)}")


def none_left(removed: Counter[str]) -> str:
    return f"none is left after cleaning: {what_was_removed(removed)}."


def _share_unknown(counts: Mapping[str, int], known: set[str]) -> float:
    total = sum(counts.values())
    return sum(count for piece, count in counts.items() if piece not in known) / max(1, total)
