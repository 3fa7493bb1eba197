"""The steps from bitext to binary data, each done once.

What is in memory does not grow with the text, but for 17 bytes a pair (its hash, read as needed, its mark, its
lengths) and, where validation or test text is set apart, what `split` says.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sse_nmt.corpora.corpus import Fetched
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.pipeline.binary_text import binary_files, dictionary_files
from sse_nmt.corpora.pipeline.clean import CleanFiles, clean
from sse_nmt.corpora.pipeline.duplicates import mark_first, read_mask
from sse_nmt.corpora.pipeline.sampled_copies import copy_folders
from sse_nmt.corpora.pipeline.split import place_splits, read_split, write_splits
from sse_nmt.corpora.pipeline.steps import Steps
from sse_nmt.corpora.pipeline.write_text import SPLITS, TextParts, none_left, write_text
from sse_nmt.system.errors import UserError
from sse_nmt.text.bitext import Bitext
from sse_nmt.text.length_rules import LengthRules
from sse_nmt.text.sampling import sample_pairs
from sse_nmt.text.subwords import train_model, typical_ratio


@dataclass(frozen=True)
class Prepared:
    """What became of the text, as the records of the steps have it."""

    corpora: dict[str, dict[str, Any]]  # name -> read, pairs, source_tokens, target_tokens
    removed: Counter[str]
    invisible: int  # characters dropped
    pairs: dict[str, int]  # split -> its pairs
    unknown: dict[str, float]  # split -> share of its tokens


class Pipeline:
    """The steps after fetching, in ``folder``."""

    def __init__(self, folder: Path, options: PrepareOptions, steps: Steps) -> None:
        self._folder, self._options, self._steps = folder, options, steps
        self._languages = options.source_lang, options.target_lang
        self._clean = folder / "clean"
        self._hashes, self._mask = self._clean / "hashes", self._clean / "first"
        self._model, self._dictionary = folder / "sentencepiece.model", folder / "dict.txt"
        self._manifest = folder / "manifest.json"  # says that what follows from the text is complete

    def run(self, fetched: Fetched) -> Prepared:
        """Clean, find duplicates, set validation and test text apart, learn pieces, segment and binarise.

        Raises:
            UserError: too little is left of the text, or no model of that many pieces can be had.
        """
        files, removed, invisible = self._clean_all(fetched)
        unique = self._mark_duplicates()
        text, dropped = self._split(fetched, files, unique, removed)
        removed = removed + dropped
        typical = self._learn(text)
        corpora, dropped, pairs, unknown = self._segment(text, typical, removed)
        read = {bitext.name: bitext.pairs for bitext in fetched.bitexts}
        if not fetched.in_order:  # they were mixed
            corpora = {" and ".join(read): corpora["train"]}
            read = {name: sum(read.values()) for name in corpora}
        corpora = {name: {"read": read[name], **corpus} for name, corpus in corpora.items()}
        return Prepared(corpora, removed + dropped, invisible, pairs, unknown)

    def _clean_all(self, fetched: Fetched) -> tuple[dict[str, CleanFiles], Counter[str], int]:
        bitexts = fetched.bitexts
        files = {bitext.name: CleanFiles.of(self._clean, bitext.name) for bitext in bitexts}
        counts = self._steps.run(
            "clean",
            "Cleaning",
            lambda: clean(bitexts, fetched.kept_out, self._clean, self._hashes),
            inputs=[file for bitext in bitexts for file in (bitext.source, bitext.target)],
            outputs=[*(path for each in files.values() for path in each.all), self._hashes],
            kept_out=hashlib.sha256(repr(fetched.kept_out).encode()).hexdigest(),
            text=fetched.inputs,  # which size and time of a file do not tell for sure
        )
        removed = sum((Counter(corpus) for corpus in counts.values()), Counter())
        kept = removed.pop("kept", 0)
        invisible = removed.pop("invisible", 0)
        if kept == 0:
            what = "training text" if fetched.in_order else "corpus"
            raise UserError(f"The {what} must hold at least one pair, but {none_left(removed)}")
        return files, removed, invisible

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

    def _split(
        self, fetched: Fetched, files: Mapping[str, CleanFiles], unique: int, removed: Counter[str]
    ) -> tuple[TextParts, Counter[str]]:
        """The text as it came, where it keeps its order, or shuffled and without what is set apart."""
        mask = read_mask(self._mask)
        cleaned = [file for each in files.values() for file in (each.source, each.target)]
        if fetched.in_order:
            assert fetched.valid is not None and fetched.test is not None
            left = [Bitext(name, each.source, each.target, int(np.fromfile(each.kept, dtype=np.bool_).sum()))
                    for name, each in files.items()]  # fmt: skip
            return TextParts(left, mask, fetched.valid, fetched.test, [*cleaned, self._mask]), Counter()
        options, folder = self._options, self._folder / "split"
        wanted = {
            "valid": 0 if fetched.valid is not None else options.valid,
            "test": 0 if fetched.test is not None else options.test,
        }
        if unique <= sum(wanted.values()):
            raise UserError(
                f"The corpus must hold more pairs than are set apart, {wanted['valid']} for validation and "
                f"{wanted['test']} for test, but holds {unique} after cleaning: lower `--valid` and `--test`."
            )

        def work() -> dict[str, int]:
            places = place_splits(fetched.bitexts, list(files.values()), mask, **wanted, seed=options.seed)
            parts = {"train": places.train, "valid": places.valid, "test": places.test}
            if any(len(part) == 0 and wanted.get(name) != 0 for name, part in parts.items()):
                raise UserError(
                    "The corpus must have documents to train on and others to set apart for validation and test, none "
                    "of them with more pairs than are wanted, but has too few: choose another `--valid` and `--test`."
                )
            return {"train": len(places.train), **write_splits(list(files.values()), places, folder)}

        outputs = [folder / f"{name}.{kind}" for name in SPLITS for kind in ("source", "target")]
        inputs = [*(path for each in files.values() for path in each.all), self._mask]
        inputs += [bitext.documents for bitext in fetched.bitexts if bitext.documents is not None]
        title = "Setting validation and test text apart" if any(wanted.values()) else "Shuffling"
        settings: dict[str, Any] = {"seed": options.seed, **wanted}
        result = dict(self._steps.run("split", title, work, inputs=inputs, outputs=outputs, **settings))
        count = result.pop("train")
        valid = read_split(folder, "valid") if fetched.valid is None else fetched.valid
        test = read_split(folder, "test") if fetched.test is None else fetched.test
        dropped = Counter({"duplicate": len(mask) - unique, **result})
        for name, pairs in (("valid", valid), ("test", test)):
            if not pairs:
                raise UserError(
                    f"The {SPLITS[name]} text must hold at least one pair, but {none_left(removed + dropped)}"
                )
        train = Bitext("train", outputs[0], outputs[1], count)
        return TextParts([train], np.ones(count, dtype=np.bool_), valid, test, outputs), dropped

    def _learn(self, text: TextParts) -> float:
        """How many target pieces a source piece has, typically."""
        options = self._options
        keep = text.keep.copy()
        if options.pairs is not None:
            keep[options.pairs :] = False

        def learn() -> float:
            sample = list(sample_pairs(text.train, keep, options.sample, options.seed))
            return typical_ratio(sample, train_model(sample, options.vocab_size, self._model))

        pairs = min(int(np.count_nonzero(keep)), options.sample)
        typical: float | None = self._steps.run(
            "learn",
            f"Training a SentencePiece model of up to {options.vocab_size} pieces on {pairs:,} pairs",
            learn,
            inputs=text.inputs,
            outputs=[self._model],
            stale=[self._manifest],
            pieces=options.vocab_size,
            sample=options.sample,
            seed=options.seed,
            **_pairs_setting(options),
        )
        return 1.0 if typical is None else typical  # None: learnt by version 0.1.0

    def _segment(
        self, text: TextParts, typical: float, removed: Counter[str]
    ) -> tuple[dict[str, dict[str, Any]], Counter[str], dict[str, int], dict[str, float]]:
        options = self._options
        rules = LengthRules(options.min_length, options.max_length, options.max_ratio, typical)
        result = self._steps.run(
            "segment",
            "Segmenting and binarising",
            lambda: write_text(self._folder, self._languages, text, rules, removed, options),
            inputs=[*text.inputs, self._model],
            outputs=[*self._split_files(), self._dictionary],
            stale=[self._manifest],
            rules={name: value for name, value in asdict(rules).items() if name != "typical_ratio"},
            held_out=text.fingerprint,
            **_pairs_setting(options),
            **_copies_setting(options),
        )
        corpora = result["corpora"]
        dropped = sum((Counter(corpus.pop("removed")) for corpus in corpora.values()), Counter())
        dropped["length, of validation"] += result.get("removed_of_valid", 0)
        pairs = {"train": sum(corpus["pairs"] for corpus in corpora.values())}
        pairs |= {"valid": len(text.valid) - dropped["length, of validation"], "test": len(text.test)}
        return corpora, dropped, pairs, result["unknown"]

    def _split_files(self) -> list[Path]:
        files = [
            self._folder / folder / f"{split}.{language}"
            for folder in ("text", "pieces")
            for split in SPLITS
            for language in self._languages
        ]
        files += [self._folder / "bin" / name for split in SPLITS for name in binary_files(split, self._languages)]
        files += [self._folder / "bin" / name for name in dictionary_files(self._languages)]
        for copy in copy_folders(self._folder, self._options.sampled_copies):
            files += [copy.with_name(f"{copy.name}.{language}") for language in self._languages]
            names = [*binary_files("train", self._languages), *dictionary_files(self._languages)]
            files += [copy / name for name in names]
        return files


def _copies_setting(options: PrepareOptions) -> dict[str, Any]:
    if not options.sampled_copies:
        return {}
    return {"copies": options.sampled_copies, "alpha": options.sampled_alpha, "seed": options.seed}


def _pairs_setting(options: PrepareOptions) -> dict[str, Any]:
    return {} if options.pairs is None else {"pairs": options.pairs}
