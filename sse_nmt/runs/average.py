"""`sse-nmt average`: one model whose parameters are the mean of the last checkpoints' (Vaswani et al., 2017, 6.1)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sse_nmt.runs.checkpoints import check_weights, load_checkpoint, save_checkpoint
from sse_nmt.runs.options import AverageOptions
from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.system.errors import UserError
from sse_nmt.system.options import check_options
from sse_nmt.system.progress import log_line

_AT_EPOCHS = (
    "fairseq writes none of an update that ends an epoch, so that the interval must not divide an epoch's updates"
)
# A run goes on from them, or is judged by them.
_FAIRSEQS = re.compile(r"checkpoint(\d+|_\d+_\d+|[._]best.*|_last.*)\.pt")
_NAMES = (re.compile(r"checkpoint_\d+_(\d+)\.pt"), re.compile(r"checkpoint(\d+)\.pt"))  # by updates, else by epochs


def average_checkpoints(run: Path, options: AverageOptions) -> Path:
    """Write the average of the last checkpoints of ``run`` beside them, without the optimiser; return its path.

    Raises:
        UserError: too few checkpoints, a damaged one, or parameters that do not go together.
    """
    check_options(options)
    if not re.fullmatch(r"[\w.-]+\.pt", options.output) or _FAIRSEQS.fullmatch(options.output):
        raise UserError(
            f"`--output` must be a file name that ends in .pt and is none of fairseq's own, but is {options.output!r} "
            "instead."
        )
    folder = RunFolder(run)
    folder.check_exists()
    paths = last_checkpoints(folder.checkpoints, options.last)
    newest = load_checkpoint(paths[-1])
    state = {key: value for key, value in newest.items() if key != "last_optimizer_state"}
    state["model"] = mean_parameters(paths)
    destination = folder.checkpoints / options.output
    save_checkpoint(state, destination)
    log_line(f"Averaged {', '.join(path.name for path in paths)}.")
    return destination


def last_checkpoints(folder: Path, count: int) -> list[Path]:
    """The last ``count`` numbered checkpoints, oldest first: those of updates, or those of epochs if there are none."""
    for name in _NAMES:
        found = {path: match for path in folder.glob("*.pt") if (match := name.fullmatch(path.name))}
        if found:
            ordered = sorted(found, key=lambda path: int(found[path][1]))
            if len(ordered) < count:
                raise UserError(
                    f"{folder} must hold {count} checkpoints to average, but holds {len(ordered)} ({_AT_EPOCHS})."
                )
            return ordered[-count:]
    raise UserError(
        f"{folder} must hold checkpoints of several updates, but holds none: "
        f"train with `checkpoint.save_interval_updates` and `checkpoint.keep_interval_updates` ({_AT_EPOCHS})."
    )


def mean_parameters(paths: list[Path]) -> dict[str, Tensor]:
    """The mean of each parameter, summed in double precision, in single at least; of integers and the like the last."""
    sums: dict[str, Tensor] = {}
    model: dict[str, Any] = {}
    for path in paths:
        state = load_checkpoint(path)
        check_weights(path, state)
        model = state["model"]
        if sums and model.keys() != sums.keys():
            raise UserError(f"{path} must have the parameters of {paths[0]}, but has others.")
        for key, value in model.items():
            if key in sums and value.shape != sums[key].shape:
                raise UserError(f"{path} must have the parameters of {paths[0]}, but {key} is of another shape.")
            sums[key] = value.to(torch.float64, copy=True) if key not in sums else sums[key].add_(value)
    means: dict[tuple[Any, ...], Tensor] = {}  # what is tied is one tensor, and stays one
    averaged = {}
    for key, value in model.items():
        place = (value.data_ptr(), value.shape, value.stride())
        if place not in means or value.numel() == 0:
            mean = sums[key] / len(paths)
            kind = torch.promote_types(value.dtype, torch.float32)  # a mean has digits that half precision would drop
            means[place] = mean.to(kind) if value.is_floating_point() else value.clone()
        averaged[key] = means[place]
    return averaged
