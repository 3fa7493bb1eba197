"""`sse-nmt prepare`: from a corpus to a folder that fairseq trains on.

DIR/raw/                 what was fetched
DIR/text/                cleaned text, {train,valid,test}.{source,target language}
DIR/pieces/              the same in SentencePiece pieces
DIR/sentencepiece.model  the joint model
DIR/bin/                 fairseq's binary data and dictionaries
DIR/preparing.json       the options; written first: what stands beside it is ours to replace
DIR/manifest.json        options, counts, versions, a fingerprint of the text; written last, when all is complete
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import sentencepiece

from sse_nmt.atomic_files import check_ours, read_json, sha256_of, whole_folder, write_json, write_lines
from sse_nmt.corpora import libreoffice_help, multi30k
from sse_nmt.corpora.binarisation import binarise
from sse_nmt.corpora.bitext import read_bitext
from sse_nmt.corpora.cleaning import clean_documents, normalise, within_length
from sse_nmt.corpora.options import CORPORA, WMT14, LengthRules, PrepareOptions, check_numbers
from sse_nmt.corpora.pairs import Document, Splits
from sse_nmt.corpora.segmentation import train_model
from sse_nmt.corpora.splitting import split_by_document
from sse_nmt.errors import UserError
from sse_nmt.progress import bar, say, step


def prepare(options: PrepareOptions, destination: Path) -> None:
    """Fetch, clean, split, segment and binarise into ``destination``; nothing to do if that is done already.

    Raises:
        UserError: what the options ask for cannot be had, or ``destination`` was prepared with other options.
    """
    _check(options)
    if is_prepared(destination, options):
        say(f"{destination} is prepared already.")
        return
    check_ours(destination, "preparing.json")
    write_json(destination / "preparing.json", asdict(options))
    removed: Counter[str] = Counter()
    versions: dict[str, str] = {}
    with step(f"Fetching {options.corpus}"):
        documents_or_splits = _fetch(options, destination / "raw", versions)
    with step("Cleaning and splitting"):
        splits = _split(options, documents_or_splits, removed)
    with step(f"Training a SentencePiece model of {options.pieces} pieces"):
        sample = splits.train[: options.pairs]
        model = train_model(sample, options.pieces, destination / "sentencepiece.model")
    with step("Segmenting"):
        splits = _choose_training_pairs(options, splits, model, removed)
        _check_not_empty(splits)
        _write(options, destination, splits, model)
    with step("Binarising"):
        binarise(destination / "pieces", destination / "bin", options.source_lang, options.target_lang)
    counts = {name: len(pairs) for name, pairs in splits.items()}
    manifest = {
        "options": asdict(options),
        "inputs": _inputs(options),
        "pairs": counts,
        "removed": dict(removed),
        "versions": versions,
        "fingerprint": sha256_of(sorted((destination / "pieces").iterdir())),
    }
    write_json(destination / "manifest.json", manifest)
    _report(counts, removed)


def is_prepared(destination: Path, options: PrepareOptions) -> bool:
    path = destination / "manifest.json"
    if not path.exists():
        return False
    manifest = read_json(path)
    check_same_options(destination, manifest["options"], asdict(options))
    if manifest["inputs"] != _inputs(options):
        raise UserError(f"{destination} was prepared from other text than the files now hold: choose another folder.")
    return True


def check_same_options(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise UserError if ``folder`` was prepared with other options."""
    for name in now:
        if before.get(name) != now[name]:
            raise UserError(
                f"{folder} was prepared with `{name}` {before.get(name)!r}, not {now[name]!r}: "
                f"choose another folder or remove this one."
            )


def _inputs(options: PrepareOptions) -> str | None:
    """A digest of the user's own files, None for a corpus that is fetched."""
    if options.corpus != "files":
        return None
    paths = [Path(name) for name in (options.source, options.target) if name is not None]
    return sha256_of(paths) if all(path.is_file() for path in paths) else None


def _check(options: PrepareOptions) -> None:
    if options.corpus not in CORPORA:
        raise UserError(f"The corpus must be one of {', '.join(CORPORA)}, but is {options.corpus!r} instead.")
    if options.corpus == WMT14:
        raise UserError(f"The corpus {WMT14} is prepared by `prepare_wmt14`.")
    if options.corpus == "files" and (options.source is None or options.target is None):
        raise UserError("The corpus `files` needs both `--source` and `--target`.")
    languages = (options.source_lang, options.target_lang)
    if options.corpus != "files" and set(languages) != {"en", "de"}:
        raise UserError(
            f"The languages of {options.corpus} must be en and de, but are {' and '.join(languages)} instead."
        )
    if languages[0] == languages[1]:
        raise UserError(f"`--source-lang` and `--target-lang` must differ, but both are {languages[0]}.")
    check_numbers(options, pairs=1, valid=1, test=1, pieces=1, min_length=1, max_length=1)


def _fetch(options: PrepareOptions, raw: Path, versions: dict[str, str]) -> list[Document] | Splits:
    if options.corpus == "libreoffice-help":
        versions.update(libreoffice_help.fetch(raw))
        documents = list(libreoffice_help.documents(raw))
        return documents if options.source_lang == "en" else [document.turned() for document in documents]
    if options.corpus == "multi30k":
        if options.folder is None:
            multi30k.fetch(raw, options.mirror)
        splits = multi30k.splits(raw if options.folder is None else Path(options.folder))
        return splits if options.source_lang == "en" else splits.turned()
    assert options.source is not None and options.target is not None
    return read_bitext(Path(options.source), Path(options.target))


def _split(options: PrepareOptions, text: list[Document] | Splits, removed: Counter[str]) -> Splits:
    """Our own split of documents, or official splits, whose validation and test text stays as published."""
    if isinstance(text, Splits):
        (train,) = clean_documents([Document("train", text.train)], removed)
        pairs = list(train.pairs)
        random.Random(options.seed).shuffle(pairs)
        tidy = [[(normalise(source), normalise(target)) for source, target in part] for part in (text.valid, text.test)]
        splits = Splits(pairs, *tidy)
    else:
        documents = list(clean_documents(text, removed))
        _check_enough(options, sum(len(document.pairs) for document in documents))
        splits = split_by_document(documents, options.valid, options.test, options.seed, removed)
    _check_not_empty(splits)
    return splits


def _check_enough(options: PrepareOptions, pairs: int) -> None:
    if pairs == 0:
        raise UserError("The corpus must hold at least one pair, but is empty after cleaning.")
    if pairs <= options.valid + options.test:
        raise UserError(
            f"The corpus must hold more pairs than are set apart, {options.valid} for validation and {options.test} "
            f"for test, but holds {pairs} after cleaning: lower `--valid` and `--test`."
        )


def _check_not_empty(splits: Splits) -> None:
    for name, pairs in splits.items():
        if not pairs:
            raise UserError(f"The {name} text must hold at least one pair, but is empty after cleaning.")


def _choose_training_pairs(
    options: PrepareOptions, splits: Splits, model: sentencepiece.SentencePieceProcessor, removed: Counter[str]
) -> Splits:
    """The first `pairs` training pairs, in their seeded order, that keep the length rules."""
    rules = LengthRules(options.min_length, options.max_length, options.max_ratio)
    kept = within_length(splits.train, lambda line: len(model.encode(line)), rules, removed)
    return replace(splits, train=list(islice(kept, options.pairs)))


def _write(
    options: PrepareOptions, destination: Path, splits: Splits, model: sentencepiece.SentencePieceProcessor
) -> None:
    languages = (options.source_lang, options.target_lang)
    with whole_folder(destination / "text") as text, whole_folder(destination / "pieces") as pieces:
        for name, pairs in bar(splits.items(), "segmenting", "splits"):
            for side, language in enumerate(languages):
                lines = [pair[side] for pair in pairs]
                write_lines(text / f"{name}.{language}", lines)
                write_lines(
                    pieces / f"{name}.{language}", (" ".join(line) for line in model.encode(lines, out_type=str))
                )


def _report(counts: dict[str, int], removed: Counter[str]) -> None:
    say("  pairs    " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    say("  removed  " + (", ".join(f"{rule} {count:,}" for rule, count in sorted(removed.items())) or "none"))
