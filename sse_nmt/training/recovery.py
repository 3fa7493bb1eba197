"""What a run goes on from: checkpoints that were cut off or lost are made again from whole ones beside them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sse_nmt.runs.checkpoints import DamagedCheckpoint, load_checkpoint, updates
from sse_nmt.runs.paths import BEST, LAST
from sse_nmt.system.atomic_files import atomic_write
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import log_line


def recover_checkpoints(folder: Path) -> None:
    """Put whole checkpoints in the place of a last or best one that is damaged or missing, and say so.

    Raises:
        UserError: the last one is damaged and no other is whole, or one cannot be read, which says nothing of it.
    """
    if _is_whole(folder / LAST) and (_is_whole(folder / BEST) or not (folder / BEST).exists()):
        return
    _recover_last(folder)
    if (folder / LAST).exists():
        _recover_best(folder)


def nothing_left_to_do(folder: Path, configuration: DictConfig) -> bool:
    """Whether the last checkpoint is the end of the training: fairseq would do one more update before it asks."""
    if not (folder / LAST).exists():
        return False
    state = load_checkpoint(folder / LAST)
    wanted = OmegaConf.select(configuration, "optimization.max_update", default=0)
    patience = OmegaConf.select(configuration, "checkpoint.patience", default=-1)
    waited = state["extra_state"].get("sse_nmt_resuming", {}).get("patience", {}).get("num_runs", 0)
    return 0 < wanted <= updates(state) or 0 < patience <= waited


def _recover_last(folder: Path) -> None:
    last = folder / LAST
    if _is_whole(last):
        return
    # An average has no optimiser, and nothing can go on from it.
    others = [(updates(state), path) for path, state in _whole_ones(folder) if state.get("last_optimizer_state")]
    if not others:
        if not last.exists():
            return
        raise UserError(f"{last} is damaged and no other checkpoint is left: choose another folder for a new training.")
    number, newest = max(others)
    reason = "damaged" if last.exists() else "missing"
    log_line(f"{last} is {reason}: going on from {newest.name}, update {number}.")
    _put_in_place(newest, last)


def _recover_best(folder: Path) -> None:
    best = folder / BEST
    wanted = load_checkpoint(folder / LAST)["extra_state"].get("best")
    if _is_whole(best) or (not best.exists() and wanted is None):
        return
    same = [path for path, state in _whole_ones(folder) if path != best and _validated_at(state) == wanted is not None]
    if same:
        log_line(f"{best} is {'damaged' if best.exists() else 'missing'}: {same[0].name} holds the same model.")
        _put_in_place(same[0], best)
    elif best.exists():
        log_line(f"{best} is damaged, and no other checkpoint holds its model: kept as {_aside(best).name}.")
        best.replace(_aside(best))


def _validated_at(state: dict[str, Any]) -> float | None:
    value: float | None = state["extra_state"].get("val_loss")
    return value


def _whole_ones(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(folder.glob("checkpoint*.pt")):
        try:
            state = load_checkpoint(path)
        except DamagedCheckpoint:
            continue
        if "extra_state" in state:
            yield path, state


def _is_whole(path: Path) -> bool:
    try:
        return path.exists() and bool(load_checkpoint(path))
    except DamagedCheckpoint:
        return False


def _put_in_place(source: Path, path: Path) -> None:
    if path.exists():
        path.replace(_aside(path))
    with atomic_write(path, "wb") as file, open(source, "rb") as content:
        shutil.copyfileobj(content, file)


def _aside(path: Path) -> Path:
    return path.with_suffix(".damaged")
