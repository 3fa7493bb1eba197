"""Reading fairseq's checkpoints with torch's `weights_only=True` check on."""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path
from typing import Any

import torch

from sse_nmt.errors import UserError


def allow_namespace() -> None:
    """Let checkpoints contain `argparse.Namespace`, the one class in fairseq's that torch (>= 2.6) refuses."""
    torch.serialization.add_safe_globals([argparse.Namespace])


def load_checkpoint(path: Path) -> dict[str, Any]:
    """What fairseq saved at ``path``, on the CPU, its tensors mapped rather than read.

    Raises:
        UserError: there is no such file, or it is cut short or no checkpoint.
    """
    allow_namespace()
    if not path.is_file():
        raise UserError(f"{path} must be a checkpoint, but there is no such file.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except PermissionError:
        raise
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError) as error:
        if "Unsupported global" in str(error):
            raise UserError(f"{path} must hold tensors and options only, but torch refuses a class in it.") from error
        raise UserError(f"{path} must be a checkpoint, but it is damaged or something else.") from error
    if not isinstance(state, dict) or not {"model", "cfg"} <= set(state):
        raise UserError(f"{path} must be a fairseq checkpoint, but holds no model.")
    return state


def updates(state: dict[str, Any]) -> int:
    """How many updates the model of a checkpoint has seen."""
    history = state.get("optimizer_history") or [{}]
    return int(history[-1].get("num_updates", 0))
