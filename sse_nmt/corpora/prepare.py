"""`sse-nmt prepare`: from a corpus to a folder that fairseq trains on.

DIR/raw/, DIR/unpacked/  what was fetched, as the corpus has it
DIR/clean/, DIR/split/   cleaned text, duplicates still among it; training, validation and test text
DIR/text/                the text as it trains, {train,valid,test}.{source,target language}
DIR/pieces/              the same in SentencePiece pieces
DIR/copies/N.LANG, N/    with `--sampled-copies`: the training text segmented at random, and its binary data
DIR/sentencepiece.model  the joint model
DIR/dict.txt, DIR/bin/   fairseq's dictionary and binary data
DIR/steps/               the record of each step; a step whose record fits its files is not done again
DIR/preparing.json       the options; written first: what stands beside it is ours to replace
DIR/manifest.json        options, counts, versions, a fingerprint of the text; written last, when all is complete
"""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from sse_nmt.corpora.catalogue import corpus_named
from sse_nmt.corpora.corpus import Fetched
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.pipeline.report import as_table
from sse_nmt.corpora.pipeline.run import Pipeline, Prepared
from sse_nmt.corpora.pipeline.sampled_copies import copy_folders
from sse_nmt.corpora.pipeline.steps import Steps
from sse_nmt.corpora.test_text import write_test_text
from sse_nmt.system.atomic_files import check_ours, keep_json, sha256_of
from sse_nmt.system.errors import UserError
from sse_nmt.system.locks import folder_lock
from sse_nmt.system.options import check_options, flag_of
from sse_nmt.system.progress import log_line
from sse_nmt.text.manifest import read_manifest
from sse_nmt.text.subwords import load_model

_FORMAT = 2  # of the folder; the first had two, one of them without steps
_NOT_THE_TEXT = "mirror"  # where it comes from changes nothing
_FORMER_NAMES = {"pieces": "vocab_size"}  # of options, in folders of version 0.1.0
_FILES = frozenset({"source", "target", "valid_source", "valid_target", "test_source", "test_target", "folder"})
_TOOLS = ("sentencepiece", "ve-fairseq")


def prepare(options: PrepareOptions, folder: Path) -> None:
    """Fetch, clean, split, segment and binarise into ``folder``, skipping what was done before.

    Raises:
        UserError: what the options ask for cannot be had, or ``folder`` was prepared with other options or from other
            text.
    """
    corpus = corpus_named(options.corpus)
    corpus.check(options)
    if options.source_lang == options.target_lang:
        raise UserError(f"`--source-lang` and `--target-lang` must differ, but both are {options.source_lang}.")
    check_options(options)
    options = replace(options, **_whole_paths(options))
    check_ours(folder, "preparing.json")
    with folder_lock(folder, "preparation"):
        check_ours(folder, "preparing.json")
        before = read_manifest(folder) if (folder / "manifest.json").exists() else None
        if before is not None:
            found = other_option(before["options"], options)
            if found is not None:
                raise UserError(f"{folder} was prepared with {found}: choose another folder or remove this one.")
        keep_json(folder / "preparing.json", options.recorded())
        if before is not None and before.get("format", 1) < _FORMAT:
            log_line(f"{folder} is prepared already, by an earlier version.")
            return
        steps = Steps(folder)
        fetched = corpus.fetch(options, folder, steps)
        if before is not None and before["inputs"] != fetched.inputs:
            raise UserError(f"{folder} was prepared from other text than the files now hold: choose another folder.")
        if not fetched.bitexts:
            keep_json(folder / "manifest.json", _write_test_text(options, folder, fetched))
            return
        prepared = Pipeline(folder, options, steps).run(fetched)
        keep_json(folder / "manifest.json", _manifest(options, folder, steps, fetched, prepared))
    log_line(as_table(prepared, steps))


def _write_test_text(options: PrepareOptions, folder: Path, fetched: Fetched) -> dict[str, Any]:
    """All that is prepared of a corpus that is a test text alone; return its manifest."""
    pairs = fetched.test or []
    files = write_test_text(folder, (options.source_lang, options.target_lang), pairs)
    log_line(f"{len(pairs):,} pairs to test on, none to train on.")
    return {
        "format": _FORMAT, "options": options.recorded(), "inputs": fetched.inputs, "pairs": {"test": len(pairs)},
        "versions": dict(fetched.versions), "fingerprint": sha256_of(files),
    }  # fmt: skip


def _manifest(
    options: PrepareOptions, folder: Path, steps: Steps, fetched: Fetched, prepared: Prepared
) -> dict[str, Any]:
    pieces = sorted((folder / "pieces").iterdir())
    copies = copy_folders(folder, options.sampled_copies)
    pieces += sorted(file for copy in copies for file in copy.parent.glob(f"{copy.name}.*"))
    fingerprint = steps.run("fingerprint", "Taking a fingerprint", lambda: sha256_of(pieces), inputs=pieces)
    return {
        "format": _FORMAT,
        "options": options.recorded(),
        "inputs": fetched.inputs,
        "pairs": prepared.pairs,
        "removed": dict(prepared.removed),
        "invisible_characters_removed": prepared.invisible,
        "corpora": prepared.corpora,
        "unknown": prepared.unknown,
        "vocab_size": load_model(folder / "sentencepiece.model").get_piece_size(),
        "binary": [str(path.relative_to(folder)) for path in (folder / "bin", *copies)],
        "seconds": steps.seconds,
        "versions": {**fetched.versions, **{name: importlib.metadata.version(name) for name in _TOOLS}},
        "fingerprint": fingerprint,
    }


def other_option(before: Mapping[str, Any], now: PrepareOptions) -> str | None:
    """The first of those ``before`` that a folder was prepared with which is another ``now``; those that it knew
    nothing of do not count.
    """
    flags = {each.name: flag_of(each.name, each.metadata) for each in fields(PrepareOptions)}
    known = {_FORMER_NAMES.get(name, name): value for name, value in before.items()}
    for name, value in now.recorded().items():
        if name in known and name != _NOT_THE_TEXT and not _same(name, known[name], value):
            return f"`{flags[name]}` {known[name]!r}, not {value!r}"
    return None


def _whole_paths(options: PrepareOptions) -> dict[str, Any]:
    """Of the files that are named, so that another working directory is no other text."""
    named = {name: getattr(options, name) for name in _FILES}
    return {name: os.path.abspath(path) for name, path in named.items() if path is not None}


def _same(name: str, before: Any, now: Any) -> bool:
    """Files are the same whatever way leads to them; their text is looked at elsewhere."""
    if name in _FILES and before is not None and now is not None:
        return Path(before).resolve() == Path(now).resolve()
    return bool(before == now)
