"""From a fairseq checkpoint to a CTranslate2 model."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ctranslate2

from sse_nmt.runs.checkpoints import load_checkpoint
from sse_nmt.runs.model import Model
from sse_nmt.runs.plain_checkpoint import save_plain
from sse_nmt.system.atomic_files import atomic_directory, sha256_of, write_json
from sse_nmt.system.errors import UserError
from sse_nmt.system.locks import waiting_lock
from sse_nmt.system.records import read_record
from sse_nmt.translation.vocabulary_map import VocabularyMap

_STAMP, _MAP = "source.json", "vmap.txt"  # the latter is CTranslate2's name


def convert(model: Model, destination: Path, vocabulary_map: VocabularyMap | None = None) -> Path:
    """Convert the checkpoint of ``model`` to ``destination``; return the path. What was made from it before and has not
    changed since stays.

    Raises:
        UserError: a damaged checkpoint, a model CTranslate2 does not know, or no text to make the map of.
    """
    with waiting_lock(destination.with_name(f".{destination.name}.lock")):
        return _convert(model, destination, vocabulary_map)


def _convert(model: Model, destination: Path, vocabulary_map: VocabularyMap | None) -> Path:
    checkpoint = model.checkpoint
    state = load_checkpoint(checkpoint)
    stamp: dict[str, Any] = {"checkpoint": str(checkpoint.resolve()), "modified": checkpoint.stat().st_mtime_ns}
    if vocabulary_map is not None:
        stamp["map"] = vocabulary_map.stamp
    if _is_of(destination, stamp):
        return destination
    with tempfile.TemporaryDirectory() as folder, atomic_directory(destination) as part, _fairseq_quiet():
        plain = Path(folder) / "checkpoint.pt"
        save_plain(state, plain)
        converter = ctranslate2.converters.FairseqConverter(
            str(plain), str(model.dictionaries), model.source_lang, model.target_lang
        )
        try:
            converter.convert(str(part), force=True)
        except (ValueError, KeyError, NotImplementedError) as error:
            raise UserError(f"CTranslate2 cannot convert {checkpoint}: {' '.join(str(error).split())}") from error
        if vocabulary_map is not None:
            vocabulary_map.write(part / _MAP, model.dictionaries, (model.source_lang, model.target_lang))
        write_json(part / _STAMP, {**stamp, "files": _digest(part)})
    return destination


def _is_of(converted: Path, stamp: dict[str, Any]) -> bool:
    """Whether it was made from that checkpoint, and nothing of it has changed."""
    try:
        return read_record(converted / _STAMP, dict[str, Any]) == {**stamp, "files": _digest(converted)}
    except (OSError, UserError):
        return False


def _digest(folder: Path) -> str:
    return sha256_of(sorted(path for path in folder.iterdir() if path.name != _STAMP))


@contextlib.contextmanager
def _fairseq_quiet() -> Iterator[None]:
    """The converter calls fairseq, whose news of that is none of the user's."""
    logger = logging.getLogger("fairseq")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
