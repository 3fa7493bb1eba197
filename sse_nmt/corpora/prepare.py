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
from sse_nmt.corpora.cleaning import clean_documents, normalise, what_was_removed, within_length
from sse_nmt.corpora.options import CORPORA, WMT14, LengthRules, PrepareOptions, check_numbers
from sse_nmt.corpora.own_files import check_own_files, own_files, paths_of
from sse_nmt.corpora.pairs import Document, Splits
from sse_nmt.corpora.segmentation import train_model, typical_ratio, within_max_length
from sse_nmt.corpora.splitting import drop_seen, split_by_document
from sse_nmt.errors import UserError
from sse_nmt.locks import folder_lock
from sse_nmt.progress import bar, say, step

_NAMES = {"train": "training", "valid": "validation", "test": "test"}


def prepare(options: PrepareOptions, destination: Path) -> None:
    """Fetch, clean, split, segment and binarise into ``destination``; nothing to do if that is done already.

    Raises:
        UserError: what the options ask for cannot be had, or ``destination`` was prepared with other options.
    """
    _check(options)
    check_ours(destination, "preparing.json")
    with folder_lock(destination, "preparation"):
        if is_prepared(destination, options):
            say(f"{destination} is prepared already.")
        else:
            _prepare(options, destination)


def _prepare(options: PrepareOptions, destination: Path) -> None:
    write_json(destination / "preparing.json", asdict(options))
    removed: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    versions: dict[str, str] = {}
    with step(f"Fetching {options.corpus}"):
        documents_or_splits = _fetch(options, destination / "raw", versions)
    with step("Cleaning and splitting"):
        splits = _split(options, documents_or_splits, removed, characters)
    with step(f"Training a SentencePiece model of {options.pieces} pieces"):
        sample = splits.train[: options.pairs]
        model = train_model(sample, options.pieces, destination / "sentencepiece.model")
    with step("Segmenting"):
        splits = _within_length(options, splits, model, removed)
        _check_not_empty(splits, removed)
        _write(options, destination, splits, model)
    with step("Binarising"):
        binarise(destination / "pieces", destination / "bin", options.source_lang, options.target_lang)
    counts = {name: len(pairs) for name, pairs in splits.items()}
    manifest = {
        "options": asdict(options),
        "inputs": _inputs(options),
        "pairs": counts,
        "removed": dict(removed),
        "invisible_characters_removed": characters["invisible"],
        "pieces": model.get_piece_size(),
        "versions": versions,
        "fingerprint": sha256_of(sorted((destination / "pieces").iterdir())),
    }
    write_json(destination / "manifest.json", manifest)
    _report(counts, removed, characters["invisible"])


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
    paths = [Path(name) for pair in own_files(options).values() for name in pair if name is not None]
    return sha256_of(paths) if all(path.is_file() for path in paths) else None


def _check(options: PrepareOptions) -> None:
    if options.corpus not in CORPORA:
        raise UserError(f"The corpus must be one of {', '.join(CORPORA)}, but is {options.corpus!r} instead.")
    if options.corpus == WMT14:
        raise UserError(f"The corpus {WMT14} is prepared by `prepare_wmt14`.")
    if options.corpus == "files" and (options.source is None or options.target is None):
        raise UserError("The corpus `files` needs both `--source` and `--target`.")
    check_own_files(options)
    languages = (options.source_lang, options.target_lang)
    if options.corpus == "multi30k" and set(languages) != {"en", "de"}:
        raise UserError(
            f"The languages of {options.corpus} must be en and de, but are {' and '.join(languages)} instead."
        )
    if languages[0] == languages[1]:
        raise UserError(f"`--source-lang` and `--target-lang` must differ, but both are {languages[0]}.")
    check_numbers(options, pairs=1, valid=1, test=1, pieces=1, min_length=1, max_length=1)


def _fetch(options: PrepareOptions, raw: Path, versions: dict[str, str]) -> list[Document] | Splits:
    if options.corpus == "libreoffice-help":
        languages = (options.source_lang, options.target_lang)
        versions.update(libreoffice_help.fetch(raw, languages))
        return list(libreoffice_help.documents(raw, languages))
    if options.corpus == "multi30k":
        if options.folder is None:
            multi30k.fetch(raw, options.mirror)
        splits = multi30k.splits(raw if options.folder is None else Path(options.folder))
        return splits if options.source_lang == "en" else splits.turned()
    return read_bitext(*paths_of(options, "train"))


def _split(
    options: PrepareOptions, text: list[Document] | Splits, removed: Counter[str], characters: Counter[str]
) -> Splits:
    """Official splits, or our own of documents; validation and test text that is not ours to split stays as it is."""
    if isinstance(text, Splits):
        (train,) = clean_documents([Document("train", text.train)], removed, characters)
        pairs = list(train.pairs)
        random.Random(options.seed).shuffle(pairs)
        splits = Splits(pairs, text.valid, text.test)
    else:
        splits = _split_documents(options, list(clean_documents(text, removed, characters)), removed)
    _check_not_empty(splits, removed)
    return splits


def _split_documents(options: PrepareOptions, documents: list[Document], removed: Counter[str]) -> Splits:
    own = {
        split: [pair for document in read_bitext(*paths_of(options, split)) for pair in document.pairs]
        for split, files in own_files(options).items()
        if split != "train" and None not in files
    }
    wanted = {"valid": options.valid, "test": options.test} | dict.fromkeys(own, 0)
    _check_enough(wanted, sum(len(document.pairs) for document in documents), removed)
    splits = split_by_document(documents, wanted["valid"], wanted["test"], options.seed, removed)
    for split, pairs in own.items():
        tidy = [(normalise(source), normalise(target)) for source, target in pairs]
        train = drop_seen(splits.train, tidy, f"in the {_NAMES[split]} text", removed)
        splits = replace(splits, train=train, **{split: pairs})
    return splits


def _check_enough(wanted: Mapping[str, int], pairs: int, removed: Counter[str]) -> None:
    if pairs == 0:
        raise UserError(
            f"The corpus must hold at least one pair, but none is left after cleaning: {what_was_removed(removed)}."
        )
    if pairs <= sum(wanted.values()):
        raise UserError(
            f"The corpus must hold more pairs than are set apart, {wanted['valid']} for validation and "
            f"{wanted['test']} for test, but holds {pairs} after cleaning: lower `--valid` and `--test`."
        )


def _check_not_empty(splits: Splits, removed: Counter[str]) -> None:
    for name, pairs in splits.items():
        if not pairs:
            raise UserError(
                f"The {_NAMES[name]} text must hold at least one pair, but none is left after cleaning: "
                f"{what_was_removed(removed)}."
            )


def _within_length(
    options: PrepareOptions, splits: Splits, model: sentencepiece.SentencePieceProcessor, removed: Counter[str]
) -> Splits:
    """The first `pairs` training pairs, in their seeded order, that keep the length rules; validation that fits."""
    rules = LengthRules(
        options.min_length, options.max_length, options.max_ratio, typical_ratio(splits.train[: options.pairs], model)
    )
    kept = within_length(splits.train, lambda line: len(model.encode(line)), rules, removed)
    valid = within_max_length(splits.valid, model, options.max_length, removed)
    return replace(splits, train=list(islice(kept, options.pairs)), valid=valid)


def _write(
    options: PrepareOptions, destination: Path, splits: Splits, model: sentencepiece.SentencePieceProcessor
) -> None:
    languages = (options.source_lang, options.target_lang)
    with whole_folder(destination / "text") as text, whole_folder(destination / "pieces") as pieces:
        for name, pairs in bar(splits.items(), "segmenting", "splits"):
            for side, language in enumerate(languages):
                lines = [pair[side] for pair in pairs]
                segmented = model.encode([normalise(line) for line in lines], out_type=str)
                write_lines(text / f"{name}.{language}", lines)
                write_lines(pieces / f"{name}.{language}", (" ".join(line) for line in segmented))


def _report(counts: dict[str, int], removed: Counter[str], invisible: int) -> None:
    say("  pairs    " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    say("  removed  " + (", ".join(f"{rule} {count:,}" for rule, count in sorted(removed.items()) if count) or "none"))
    if invisible:
        say(f"  removed  {invisible:,} invisible characters (soft hyphens, zero-width spaces, bidirectional marks)")
