"""From a fairseq checkpoint to a CTranslate2 model."""

from __future__ import annotations

import argparse
import contextlib
import logging
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ctranslate2
import torch

from sse_nmt._registration import USER_DIR
from sse_nmt.atomic_files import read_json, whole_folder, write_json
from sse_nmt.checkpoints import load_checkpoint
from sse_nmt.errors import UserError
from sse_nmt.evaluation.model import Model
from sse_nmt.factorized.state_dicts import multiply_out_state


def convert(model: Model, destination: Path) -> Path:
    """Convert the checkpoint of ``model`` to ``destination``, unless that was made from it before; return the path.

    Raises:
        UserError: a damaged checkpoint, or a model CTranslate2 does not know.
    """
    checkpoint = model.checkpoint
    state = load_checkpoint(checkpoint)
    stamp = {"checkpoint": str(checkpoint.resolve()), "modified": checkpoint.stat().st_mtime_ns}
    if (destination / "source.json").is_file() and read_json(destination / "source.json") == stamp:
        return destination
    with tempfile.TemporaryDirectory() as folder, whole_folder(destination) as part, _fairseq_quiet():
        plain = Path(folder) / "checkpoint.pt"
        torch.save({"args": _arguments(state), "model": multiply_out_state(state["model"])}, plain)
        converter = ctranslate2.converters.FairseqConverter(
            str(plain), str(model.dictionaries), model.source_lang, model.target_lang, user_dir=USER_DIR
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


def _arguments(state: Mapping[str, Any]) -> argparse.Namespace:
    """Options in the old flat form, which is all the converter reads: hydra's trainings save none."""
    if state.get("args") is not None:
        return state["args"]
    model = state["cfg"]["model"]
    if isinstance(model, argparse.Namespace):
        return model
    return argparse.Namespace(**{**state["cfg"]["task"], "task": "translation", "arch": model["_name"], **model})
