"""Checkpoints for those who know nothing of us: fairseq's `translation` task, CTranslate2."""

from __future__ import annotations

import argparse
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sse_nmt.methods.factorized.state_dicts import factorized_layers, merge_factors_in_state
from sse_nmt.runs.checkpoints import check_weights, load_checkpoint, save_checkpoint
from sse_nmt.runs.model import Model
from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.system.errors import UserError

# What the options of `translation_sse` begin with; fairseq, which could tell, is not imported for it.
_OURS = (
    "sse_",
    "embedding_noise",
    "noise_rate",
    "seed",
    "spectral_",
    "low_rank_",
    "frobenius_",
    "fast_dropout",
    "cpu_bf16",
    "sort_by_longer_side",
)


def export(checkpoint: Path, output: Path, merge_factors: bool) -> int:
    """Write a checkpoint of the plain `translation` task, without its optimiser's state.

    Args:
        checkpoint: a file, or a run folder for its best one.

    Returns:
        How many factorised layers were merged.

    Raises:
        UserError: no checkpoint, or factorised layers and no leave to merge them, or leave and none; an output that is
            a file of a run.
    """
    if checkpoint.is_dir():
        checkpoint = RunFolder(checkpoint).best
    _check_is_not_a_run_s(output)
    if output.exists() and checkpoint.exists() and output.samefile(checkpoint):
        raise UserError(f"OUTPUT must be another file than {checkpoint}, which would lose its optimiser's state.")
    state = load_checkpoint(checkpoint)
    check_weights(checkpoint, state)
    layers = len(factorized_layers(state["model"]))
    if layers and not merge_factors:
        raise UserError(f"{checkpoint} has {layers} factorised layers, which take `--merge-factors`.")
    if merge_factors and not layers:
        raise UserError(f"`--merge-factors` must be for factorised layers, but {checkpoint} has none.")
    save_plain(state, output)
    return layers


def _check_is_not_a_run_s(output: Path) -> None:
    """Raise UserError if a training would lose what is there: a file of a run folder or of a folder in it."""
    place = output.resolve()
    if place.exists() and any(RunFolder(parent).exists for parent in place.parents[:2]):
        raise UserError(f"OUTPUT must be a new file, but {output} belongs to a run, which would lose it.")


def save_plain(state: Mapping[str, Any], output: Path) -> None:
    """Write what fairseq saved, its factors merged, as if it came from the plain task."""
    plain = {key: value for key, value in state.items() if key != "last_optimizer_state"}
    plain["model"] = merge_factors_in_state(state["model"])
    plain["cfg"] = {**state["cfg"], "task": _plain_task(state["cfg"]["task"]), "model": _plain_options(state)}
    plain["args"] = None
    save_checkpoint(plain, output)


def plain_model(model: Model, folder: Path) -> Model:
    """The model itself, or, where it has factorised layers, one with a checkpoint in ``folder`` that has none."""
    state = load_checkpoint(model.checkpoint)
    if not factorized_layers(state["model"]):
        return model
    output = folder / "merged.pt"
    save_plain(state, output)
    return replace(model, checkpoint=output)


def _plain_task(task: Any) -> dict[str, Any]:
    return {**_without_ours(task), "_name": "translation"}


def _plain_options(state: Mapping[str, Any]) -> OrderedDict[str, Any]:
    """Options of model and task in one, which are all that CTranslate2's converter reads, as attributes.

    fairseq keeps such options in `argparse.Namespace`, which torch (>= 2.6) lets nobody load who does not allow it.
    An `OrderedDict` with attributes it does load, as the state dicts of torch's own modules are.
    """
    model = state["cfg"]["model"]
    options = state.get("args") or model  # the flat form of fairseq's own trainings
    if not isinstance(options, argparse.Namespace):
        options = {**_without_ours(state["cfg"]["task"]), "arch": model["_name"], **model}  # hydra's
    flat = OrderedDict({**_without_ours(options), "task": "translation"})
    flat["_name"] = flat["arch"]
    vars(flat).update(flat)
    return flat


def _without_ours(options: Any) -> dict[str, Any]:
    plain = vars(options) if isinstance(options, argparse.Namespace) else options
    return {key: value for key, value in plain.items() if not key.startswith(_OURS)}
