"""Reading fairseq's checkpoints: with torch's `weights_only=True` check on, and never from a file that can change."""

from __future__ import annotations

import argparse
import collections
import importlib
import os
import re
import sys
import time
import typing
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import omegaconf
import torch
from omegaconf import base
from torch import Tensor

from sse_nmt.system.archives import disk_error
from sse_nmt.system.atomic_files import atomic_write
from sse_nmt.system.errors import UserError

# What torch (>= 2.6) refuses, fairseq saves, and nobody can do harm with: options (argparse, omegaconf) and the numbers
# of `--eval-bleu` and other metrics (numpy). By name: torch's check stays on for everything else.
_MULTIARRAY = importlib.import_module("numpy._core.multiarray" if hasattr(np, "_core") else "numpy.core.multiarray")
_HARMLESS: list[Any] = [
    argparse.Namespace, collections.defaultdict, dict, list, tuple, set, int, float, str, bool,
    omegaconf.DictConfig, omegaconf.ListConfig, omegaconf.nodes.AnyNode, omegaconf.nodes.BooleanNode,
    omegaconf.nodes.FloatNode, omegaconf.nodes.IntegerNode, omegaconf.nodes.StringNode, omegaconf.nodes.EnumNode,
    base.ContainerMetadata, base.Metadata, typing.Any,
    np.ndarray, np.dtype, _MULTIARRAY._reconstruct, _MULTIARRAY.scalar,
    *(type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")),
]  # fmt: skip
_REFUSED = re.compile(r"Unsupported global: GLOBAL (\S+)")
_CHUNK = 1 << 20  # bytes
_ATTEMPTS, _PAUSE = 10, 0.5  # while somebody else writes it; seconds


class DamagedCheckpoint(UserError):
    """A file that is no whole checkpoint, whatever it was."""


def allow_harmless_classes() -> None:
    """Let checkpoints contain what `_HARMLESS` lists; for good, in this process."""
    torch.serialization.add_safe_globals(_HARMLESS)
    distributed = sys.modules.get("fairseq.distributed.utils")
    if distributed is not None:  # what stands for a tensor while fairseq sends a checkpoint from process to process
        torch.serialization.add_safe_globals([distributed._TensorPlaceholder])


def load_checkpoint(path: Path) -> dict[str, Any]:
    """What fairseq saved at ``path``, on the CPU, after every byte was compared with the archive's checksums.

    fairseq writes over `checkpoint_last.pt`: a file that changes while it is read is read again.

    Raises:
        UserError: there is no such file, it holds something that torch refuses, or memory has no room for it.
        DamagedCheckpoint: it is cut short, changed, or no checkpoint.
        OSError: it cannot be read, which says nothing of what is in it.
    """
    allow_harmless_classes()
    if not path.is_file():
        raise UserError(f"{path} must be a checkpoint, but there is no such file.")
    for attempt in range(_ATTEMPTS):
        with open(path, "rb") as file:
            before = _identity(os.fstat(file.fileno()))
            try:
                state = _read(path, file)
            except DamagedCheckpoint:
                if _is_settled(path, before) or attempt == _ATTEMPTS - 1:
                    raise
            else:
                if _identity(path.stat()) == before:
                    return state
        time.sleep(_PAUSE)
    raise UserError(f"{path} must be a checkpoint that stays as it is, but somebody keeps writing it: try again later.")


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _is_settled(path: Path, before: tuple[int, int, int]) -> bool:
    """Whether nobody has written it of late, who may not be at the end."""
    now = path.stat()
    return _identity(now) == before and time.time() - now.st_mtime > _PAUSE


def _read(path: Path, file: IO[bytes]) -> dict[str, Any]:
    damaged = DamagedCheckpoint(f"{path} must be a checkpoint, but it is damaged or something else.")
    if not _is_whole(file):
        raise damaged
    file.seek(0)
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # torch's reading of what it did not write ends in a dozen ways
        if "allocate memory" in str(error):
            raise UserError(f"{path} needs more memory than there is: {' '.join(str(error).split())}") from error
        refused = _REFUSED.search(str(error))
        if refused is not None:
            raise UserError(
                f"{path} must hold tensors, numbers and options only, but torch refuses {refused[1]} in it: write it "
                f"without, or export the model with the program that made it."
            ) from error
        raise damaged from error
    problem = _problem(state)
    if problem is not None:
        raise DamagedCheckpoint(f"{path} must be a fairseq checkpoint, but {problem}.")
    return dict(state)


def _is_whole(file: IO[bytes]) -> bool:
    """Whether it is an archive as torch writes it, nothing packed, each member of its own checksum."""
    size = os.fstat(file.fileno()).st_size
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                if member.compress_type != zipfile.ZIP_STORED or member.file_size > size:
                    return False
                with archive.open(member) as content:
                    while content.read(_CHUNK):
                        pass
    except MemoryError:
        raise
    except Exception as error:  # the library's reading of arbitrary bytes ends in a dozen ways
        found = disk_error(error)
        if found is not None:
            raise found from None
        return False
    return True


def _problem(state: Any) -> str | None:
    """What a checkpoint lacks of all that we ask of one; the end of a sentence."""
    if not isinstance(state, dict) or not {"model", "cfg"} <= set(state):
        return "holds no model"
    model, options = state["model"], state["cfg"]
    if not isinstance(model, dict) or not all(isinstance(value, Tensor) for value in model.values()):
        return "its `model` is none of tensors"
    if not isinstance(options, dict) or not all(_are_options(options.get(part)) for part in ("model", "task")):
        return "its `cfg` has no options of model and task, each by its name"
    if not isinstance(state.get("extra_state", {}), dict):
        return "its `extra_state` is no dictionary"
    history = state.get("optimizer_history") or []
    if not isinstance(history, list) or not all(_counts_updates(entry) for entry in history):
        return "its `optimizer_history` does not count updates"
    return None


def _are_options(part: Any) -> bool:
    """As hydra leaves them, or as fairseq's own commands do."""
    if isinstance(part, argparse.Namespace):
        return isinstance(getattr(part, "arch", None), str)
    return isinstance(part, dict | omegaconf.DictConfig) and isinstance(part.get("_name"), str)


def _counts_updates(entry: Any) -> bool:
    count = entry.get("num_updates", 0) if isinstance(entry, dict) else None
    return isinstance(count, int) and 0 <= count < 2**63


def save_checkpoint(state: Mapping[str, Any], path: Path) -> None:
    """Write one whole, or nothing. Raises OSError where it cannot be written, of which torch says something else."""
    with atomic_write(path, "wb") as file:
        try:
            torch.save(dict(state), file)
        except RuntimeError as error:
            raise disk_error(error) or error from None


def check_weights(path: Path, state: dict[str, Any]) -> None:
    """Raise UserError if a weight of the model is no finite number: nothing can be made of it."""
    for name, value in state["model"].items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise UserError(
                f"{path} must have finite weights, but `{name}` holds others, as a training that diverged leaves them: "
                "train with a lower rate, or take an earlier checkpoint."
            )


def updates(state: dict[str, Any]) -> int:
    """How many updates the model of a checkpoint has seen."""
    history = state.get("optimizer_history") or [{}]
    return int(history[-1].get("num_updates", 0))
