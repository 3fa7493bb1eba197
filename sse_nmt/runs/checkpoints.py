"""Reading fairseq's checkpoints with torch's `weights_only=True` check on."""

from __future__ import annotations

import argparse
import collections
import errno
import importlib
import pickle
import re
import sys
import typing
from pathlib import Path
from typing import Any

import numpy as np
import omegaconf
import torch
from omegaconf import base

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


class DamagedCheckpoint(UserError):
    """A file that is no whole checkpoint, whatever it was."""


def allow_harmless_classes() -> None:
    """Let checkpoints contain what `_HARMLESS` lists; for good, in this process."""
    torch.serialization.add_safe_globals(_HARMLESS)
    distributed = sys.modules.get("fairseq.distributed.utils")
    if distributed is not None:  # what stands for a tensor while fairseq sends a checkpoint from process to process
        torch.serialization.add_safe_globals([distributed._TensorPlaceholder])


def load_checkpoint(path: Path) -> dict[str, Any]:
    """What fairseq saved at ``path``, on the CPU, its tensors mapped rather than read.

    Raises:
        UserError: there is no such file, or it holds something that torch refuses.
        DamagedCheckpoint: it is cut short or no checkpoint.
    """
    allow_harmless_classes()
    if not path.is_file():
        raise UserError(f"{path} must be a checkpoint, but there is no such file.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # that comes of looking before the beginning
            raise  # it cannot be read now, which says nothing of what is in it
        refused = _REFUSED.search(str(error))
        if refused is not None:
            raise UserError(
                f"{path} must hold tensors, numbers and options only, but torch refuses {refused[1]} in it: write it "
                f"without, or export the model with the program that made it."
            ) from error
        raise DamagedCheckpoint(f"{path} must be a checkpoint, but it is damaged or something else.") from error
    if not isinstance(state, dict) or not {"model", "cfg"} <= set(state):
        raise DamagedCheckpoint(f"{path} must be a fairseq checkpoint, but holds no model.")
    return state


def updates(state: dict[str, Any]) -> int:
    """How many updates the model of a checkpoint has seen."""
    history = state.get("optimizer_history") or [{}]
    return int(history[-1].get("num_updates", 0))
