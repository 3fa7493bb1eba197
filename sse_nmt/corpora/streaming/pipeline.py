"""From bitext of any size to what fairseq trains on, step by step; each step is done once.

What is in memory does not grow with the text, but for nine bytes a pair (its hash, read as needed, and its mark).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sse_nmt.atomic_files import whole_folder, write_lines
from sse_nmt.corpora.binarisation import binarise, write_dictionary
from sse_nmt.corpora.cleaning import normalise, what_was_removed
from sse_nmt.corpora.options import BulkOptions, LengthRules
from sse_nmt.corpora.pairs import Pair
from sse_nmt.corpora.segmentation import load_model, piece_set, train_model, typical_ratio, within_max_length
from sse_nmt.corpora.steps import Steps
from sse_nmt.corpora.streaming.blocks import Bitext
from sse_nmt.corpora.streaming.clean import TestSentences, clean, clean_files
from sse_nmt.corpora.streaming.duplicates import mark_first, read_mask
from sse_nmt.corpora.streaming.sample import sample_pairs
from sse_nmt.corpora.streaming.segment import Segmented, segment
from sse_nmt.errors import UserError
from sse_nmt.machine import cores


@dataclass(frozen=True)
class HeldOut:
    """Text that is not trained on: of ``tests``, all, no sentence may stand in training."""

    valid: Sequence[Pair]
    test: Sequence[Pair]
    tests: Sequence[Pair]

    @property
    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        for pairs in (self.valid, self.test, self.tests):
            digest.update(repr(list(pairs)).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Prepared:
    """What became of the text, as the records of the steps have it."""

    corpora: dict[str, dict[str, Any]]  # name -> read, pairs, source_tokens, target_tokens
    removed: Counter[str]
    invisible: int  # characters dropped
    unknown: dict[str, float]  # split -> share of its tokens


class Pipeline:
    """The steps after fetching, in ``folder``."""

    def __init__(self, folder: Path, languages: tuple[str, str], options: BulkOptions, steps: Steps) -> None:
        self._folder, self._languages, self._options, self._steps = folder, languages, options, steps
        self._hashes, self._mask = folder / "clean/hashes", folder / "clean/first"
        self._model, self._dictionary = folder / "sentencepiece.model", folder / "dict.txt"
        self._manifest = folder / "manifest.json"  # says that what follows from the text is complete

    def run(self, bitexts: Sequence[Bitext], held_out: HeldOut) -> Prepared:
        """Clean, find duplicates, learn pieces, segment, binarise.

        Raises:
            UserError: nothing is left to train on, or no model of that many pieces can be had.
        """
        cleaned, removed, invisible = self._clean(bitexts, held_out)
        typical = self._learn(cleaned, self._mark_duplicates())
        corpora, dropped, unknown = self._segment(cleaned, held_out, typical)
        self._binarise(sum(corpus["source_tokens"] + corpus["target_tokens"] for corpus in corpora.values()))
        read = {bitext.name: bitext.pairs for bitext in bitexts}
        corpora = {name: {"read": read[name], **corpus} for name, corpus in corpora.items()}
        return Prepared(corpora, removed + dropped, invisible, unknown)

    def _clean(self, bitexts: Sequence[Bitext], held_out: HeldOut) -> tuple[list[Bitext], Counter[str], int]:
        folder = self._folder / "clean"
        files = [file for bitext in bitexts for file in clean_files(folder, bitext.name)]
        counts = self._steps.run(
            "clean",
            "Cleaning",
            lambda: clean(bitexts, TestSentences.of(held_out.tests), folder, self._hashes),
            inputs=[file for bitext in bitexts for file in (bitext.source, bitext.target)],
            outputs=[*files, self._hashes],
            held_out=held_out.fingerprint,
        )
        cleaned = [
            Bitext(bitext.name, *clean_files(folder, bitext.name), counts[bitext.name].get("kept", 0))
            for bitext in bitexts
        ]
        removed = sum((Counter(corpus) for corpus in counts.values()), Counter())
        del removed["kept"]
        invisible = removed.pop("invisible", 0)
        _check_not_empty(cleaned, removed)
        return cleaned, removed, invisible

    def _mark_duplicates(self) -> int:
        """How many pairs are left without them."""
        kept: int = self._steps.run(
            "duplicates",
            "Finding duplicates",
            lambda: int(np.count_nonzero(mark_first(self._hashes, self._mask))),
            inputs=[self._hashes],
            outputs=[self._mask],
        )
        return kept

    def _learn(self, cleaned: Sequence[Bitext], kept: int) -> float:
        """How many target pieces a source piece has, typically."""
        options = self._options

        def learn() -> float:
            sample = list(sample_pairs(cleaned, read_mask(self._mask), options.sample, options.seed))
            return typical_ratio(sample, train_model(sample, options.pieces, self._model))

        typical: float | None = self._steps.run(
            "learn",
            f"Training a SentencePiece model of {options.pieces} pieces on {min(kept, options.sample):,} pairs",
            learn,
            inputs=[*(file for bitext in cleaned for file in (bitext.source, bitext.target)), self._mask],
            outputs=[self._model],
            stale=[self._manifest],
            pieces=options.pieces,
            sample=options.sample,
            seed=options.seed,
        )
        return 1.0 if typical is None else typical  # None: learnt by version 0.1.0

    def _segment(
        self, cleaned: Sequence[Bitext], held_out: HeldOut, typical: float
    ) -> tuple[dict[str, dict[str, Any]], Counter[str], dict[str, float]]:
        options = self._options
        rules = LengthRules(options.min_length, options.max_length, options.max_ratio, typical)
        result = self._steps.run(
            "segment",
            "Segmenting",
            lambda: self._segment_all(cleaned, held_out, rules),
            inputs=[*(file for bitext in cleaned for file in (bitext.source, bitext.target)), self._mask, self._model],
            outputs=[*self._split_files(), self._dictionary],
            stale=[self._manifest],
            rules={name: value for name, value in asdict(rules).items() if name != "typical_ratio"},
            held_out=held_out.fingerprint,
        )
        corpora = result["corpora"]
        removed = sum((Counter(corpus.pop("removed")) for corpus in corpora.values()), Counter())
        removed["length, of validation"] += result.get("removed_of_valid", 0)
        return corpora, removed, result["unknown"]

    def _segment_all(self, cleaned: Sequence[Bitext], held_out: HeldOut, rules: LengthRules) -> dict[str, Any]:
        source, target = self._languages
        model = load_model(self._model)
        known = set(piece_set(model))
        with whole_folder(self._folder / "text") as text, whole_folder(self._folder / "pieces") as pieces:
            files = [folder / f"train.{language}" for folder in (text, pieces) for language in (source, target)]
            corpora, counts = segment(cleaned, read_mask(self._mask), self._model, rules, files)
            removed = sum((corpus.removed for corpus in corpora.values()), Counter())
            _check_not_empty(list(corpora.values()), removed)
            valid = within_max_length(held_out.valid, model, rules.max_length, removed)
            unknown = {"train": _share_unknown(counts, known)}
            for split, pairs in (("valid", valid), ("test", held_out.test)):
                here: Counter[str] = Counter()
                for side, language in enumerate(self._languages):
                    lines = [pair[side] for pair in pairs]
                    segmented = model.encode([normalise(line) for line in lines], out_type=str)
                    write_lines(text / f"{split}.{language}", lines)
                    write_lines(pieces / f"{split}.{language}", (" ".join(line) for line in segmented))
                    here.update(piece for line in segmented for piece in line)
                unknown[split] = _share_unknown(here, known)
        write_dictionary(self._dictionary, piece_set(model), counts)
        return {
            "corpora": {name: vars(corpus) for name, corpus in corpora.items()},
            "removed_of_valid": removed["length, of validation"],
            "unknown": unknown,
        }

    def _binarise(self, tokens: int) -> None:
        source, target = self._languages
        binary = self._folder / "bin"
        names = [
            f"{split}.{source}-{target}.{language}.{kind}"
            for split in ("train", "valid", "test")
            for language in self._languages
            for kind in ("bin", "idx")
        ]
        self._steps.run(
            "binarise",
            "Binarising",
            lambda: binarise(self._folder / "pieces", binary, source, target, self._dictionary, cores(), tokens),
            inputs=[*(file for file in self._split_files() if file.parent.name == "pieces"), self._dictionary],
            outputs=[binary / name for name in (*names, f"dict.{source}.txt", f"dict.{target}.txt")],
            stale=[self._manifest],
        )

    def _split_files(self) -> list[Path]:
        return [
            self._folder / folder / f"{split}.{language}"
            for folder in ("text", "pieces")
            for split in ("train", "valid", "test")
            for language in self._languages
        ]


def _check_not_empty(parts: Sequence[Bitext | Segmented], removed: Counter[str]) -> None:
    if not any(part.pairs for part in parts):
        raise UserError(
            f"The training text must hold at least one pair, but none is left after cleaning: "
            f"{what_was_removed(removed)}."
        )


def _share_unknown(counts: Mapping[str, int], known: set[str]) -> float:
    total = sum(counts.values())
    return sum(count for piece, count in counts.items() if piece not in known) / max(1, total)
