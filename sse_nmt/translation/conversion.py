"""From a fairseq checkpoint to a CTranslate2 model."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import ctranslate2

from sse_nmt.runs.checkpoints import load_checkpoint
from sse_nmt.runs.model import Model
from sse_nmt.runs.plain_checkpoint import save_plain
from sse_nmt.system.atomic_files import atomic_directory, read_json, write_json
from sse_nmt.system.errors import UserError
from sse_nmt.system.locks import waiting_lock


def convert(model: Model, destination: Path) -> Path:
    """Convert the checkpoint of ``model`` to ``destination``, unless that was made from it before; return the path.

    Raises:
        UserError: a damaged checkpoint, or a model CTranslate2 does not know.
    """
    with waiting_lock(destination.with_name(f".{destination.name}.lock")):
        return _convert(model, destination)


def _convert(model: Model, destination: Path) -> Path:
    checkpoint = model.checkpoint
    state = load_checkpoint(checkpoint)
    stamp = {"checkpoint": str(checkpoint.resolve()), "modified": checkpoint.stat().st_mtime_ns}
    if (destination / "source.json").is_file() and read_json(destination / "source.json") == stamp:
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
        write_json(part / "source.json", stamp)
    return destination


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
