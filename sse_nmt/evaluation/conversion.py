"""From a fairseq checkpoint to a CTranslate2 model."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ctranslate2
import torch

from sse_nmt.atomic_files import read_json, whole_folder, write_json
from sse_nmt.checkpoints import load_checkpoint
from sse_nmt.errors import UserError

_PACKAGE = Path(__file__).resolve().parent.parent


def convert(checkpoint: Path, dictionaries: Path, source_lang: str, target_lang: str, destination: Path) -> Path:
    """Convert ``checkpoint`` to ``destination``, unless that was made from this very file before; return it.

    Raises:
        UserError: a damaged checkpoint, dictionaries that do not fit it, or a model CTranslate2 does not know.
    """
    state = load_checkpoint(checkpoint)
    stamp = {"checkpoint": str(checkpoint.resolve()), "modified": checkpoint.stat().st_mtime_ns}
    if (destination / "source.json").is_file() and read_json(destination / "source.json") == stamp:
        return destination
    check_dictionaries(state, checkpoint, dictionaries, source_lang, target_lang)
    with tempfile.TemporaryDirectory() as folder, whole_folder(destination) as part:
        plain = Path(folder) / "checkpoint.pt"
        torch.save({"args": _arguments(state), "model": state["model"]}, plain)
        converter = ctranslate2.converters.FairseqConverter(
            str(plain), str(dictionaries), source_lang, target_lang, user_dir=str(_PACKAGE)
        )
        try:
            converter.convert(str(part), force=True)
        except (ValueError, KeyError, NotImplementedError) as error:
            raise UserError(f"CTranslate2 cannot convert {checkpoint}: {' '.join(str(error).split())}") from error
        write_json(part / "source.json", stamp)
    return destination


def check_dictionaries(
    state: Mapping[str, Any], checkpoint: Path, dictionaries: Path, source_lang: str, target_lang: str
) -> None:
    """Raise UserError if the embeddings of a checkpoint have another number of rows than the dictionaries."""
    for part, language in (("encoder", source_lang), ("decoder", target_lang)):
        path = dictionaries / f"dict.{language}.txt"
        if not path.is_file():
            raise UserError(f"{path} must be the dictionary of {checkpoint}, but there is no such file.")
        entries = dictionary_size(path)
        weight = state["model"].get(f"{part}.embed_tokens.weight")
        if weight is not None and weight.shape[0] != entries:
            raise UserError(
                f"{path} must fit {checkpoint}, whose {part} has {weight.shape[0]} embeddings, "
                f"but has {entries} entries instead."
            )


def dictionary_size(path: Path) -> int:
    """Entries of a fairseq dictionary file, with the four special symbols that it does not list."""
    with open(path, encoding="utf-8") as file:
        return 4 + sum(1 for line in file if line.strip())


def _arguments(state: Mapping[str, Any]) -> argparse.Namespace:
    """Options in the old flat form, which is all the converter reads: hydra's trainings save none."""
    if state.get("args") is not None:
        return state["args"]
    model = state["cfg"]["model"]
    if isinstance(model, argparse.Namespace):
        return model
    return argparse.Namespace(**{**state["cfg"]["task"], "task": "translation", "arch": model["_name"], **model})
