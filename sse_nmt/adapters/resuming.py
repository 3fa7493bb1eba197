"""A training that was stopped and started again is the unbroken one: what fairseq forgets, for every task.

It reaches beyond its object, into fairseq's `Trainer` and `EpochBatchIterator`, once, when fairseq is loaded:

- Batches are made once, from a seed that contains the epoch a process begins in, and kept for all epochs: a run resumed
  in epoch 3 would have others. They are made for epoch 1 always.
- `--curriculum N` is forgotten by the loader that is used again in epoch N + 1, but not by a new one.
- Where a run goes on with another number of processes, its place in the epoch is another one too.
- Patience, the loss scale's history and that of `reduce_lr_on_plateau` are not in fairseq's checkpoints: they are kept
  in `extra_state`, which fairseq without us leaves alone.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

logger = logging.getLogger(__name__)

_KEY = "sse_nmt_resuming"
_SCALER = ("_iter", "_last_overflow_iter", "_last_rescale_iter", "_overflows_since_rescale")
_PLATEAU = ("best", "num_bad_epochs", "cooldown_counter", "last_epoch")


def install() -> None:
    """Change fairseq's classes, once in a process."""
    from fairseq.data.iterators import EpochBatchIterator
    from fairseq.trainer import Trainer

    if getattr(Trainer, _KEY, False):
        return
    setattr(Trainer, _KEY, True)
    for owner, name, around in (
        (Trainer, "get_train_iterator", _with_batches_of_the_first_epoch),
        (Trainer, "save_checkpoint", _with_what_is_forgotten),
        (Trainer, "load_checkpoint", _remembering),
        (EpochBatchIterator, "_get_iterator_for_epoch", _with_this_epochs_shuffle),
        (EpochBatchIterator, "state_dict", _with_sizes),
        (EpochBatchIterator, "load_state_dict", _at_the_same_share),
    ):
        setattr(owner, name, around(getattr(owner, name)))


def _with_batches_of_the_first_epoch(get: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(get)
    def get_train_iterator(self: Any, epoch: int, *arguments: Any, **keywords: Any) -> Any:
        known = dict(self.task.dataset_to_epoch_iter)
        iterator = get(self, epoch, *arguments, **keywords)
        kept = {name: each for name, each in self.task.dataset_to_epoch_iter.items() if each is iterator}
        if epoch > 1 and not kept.keys() <= known.keys():  # just made, for all epochs to come
            for dataset in kept:
                del self.task.dataset_to_epoch_iter[dataset]
            iterator = get(self, 1, *arguments, **{**keywords, "load_dataset": False})
            iterator.epoch = epoch
        return iterator

    return get_train_iterator


def _with_this_epochs_shuffle(get: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(get)
    def _get_iterator_for_epoch(self: Any, epoch: int, shuffle: bool, *arguments: Any, **keywords: Any) -> Any:
        if self.reuse_dataloader and self.dataloader is not None:
            self.epoch_batch_sampler.shuffle = shuffle
        return get(self, epoch, shuffle, *arguments, **keywords)

    return _get_iterator_for_epoch


def _with_sizes(state_of: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    @wraps(state_of)
    def state_dict(self: Any) -> dict[str, Any]:
        return {**state_of(self), "shards": self.num_shards, "batches": len(self.frozen_batches)}

    return state_dict


def _at_the_same_share(load: Callable[..., None]) -> Callable[..., None]:
    @wraps(load)
    def load_state_dict(self: Any, state: dict[str, Any]) -> None:
        place, now = state.get("iterations_in_epoch", 0), (self.num_shards, len(self.frozen_batches))
        before = (state.get("shards"), state.get("batches"))
        if place and before != (None, None) and before != now:
            moved = place * before[0] * now[1] // (before[1] * now[0])
            logger.info(
                "this run had %d processes and %d batches an epoch, now %d and %d: epoch %d goes on at %d of %d",
                *before, *now, state["epoch"], moved, len(self),
            )  # fmt: skip
            state = {**state, "iterations_in_epoch": moved}
        try:
            load(self, state)
        except RuntimeError as error:
            if "dataloader mismatch" not in str(error):
                raise
            logger.warning(
                "epoch %d begins anew: it has %d batches a process now, and the run had seen %d when it was stopped",
                state["epoch"], len(self), place,
            )  # fmt: skip
            load(self, {**state, "iterations_in_epoch": 0})

    return load_state_dict


def _with_what_is_forgotten(save: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(save)
    def save_checkpoint(self: Any, filename: str, extra_state: dict[str, Any]) -> Any:
        kept: dict[str, Any] = {name: _values(owner, names) for name, owner, names in _forgetful(self)}
        if (scaler := _amp_scaler(self)) is not None:
            kept["amp"] = scaler.state_dict()
        return save(self, filename, {**extra_state, _KEY: kept})

    return save_checkpoint


def _remembering(load: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(load)
    def load_checkpoint(
        self: Any,
        filename: str,
        reset_optimizer: bool = False,
        reset_lr_scheduler: bool = False,
        optimizer_overrides: Any = None,
        reset_meters: bool = False,
    ) -> Any:
        extra_state = load(self, filename, reset_optimizer, reset_lr_scheduler, optimizer_overrides, reset_meters)
        kept = (extra_state or {}).get(_KEY, {})
        reset = {"patience": reset_meters, "scaler": reset_optimizer, "plateau": reset_lr_scheduler or reset_optimizer}
        for name, owner, _ in _forgetful(self) if kept else ():
            if not reset[name]:
                vars(owner).update(kept.get(name, {}))
        if (scaler := _amp_scaler(self)) is not None and kept.get("amp") and not reset_optimizer:
            scaler.load_state_dict(kept["amp"])
        if kept and not reset["plateau"]:
            _step_of_the_last_epoch(self, extra_state)
        return extra_state

    return load_checkpoint


def _step_of_the_last_epoch(trainer: Any, extra_state: dict[str, Any]) -> None:
    """fairseq saves before it tells the scheduler of an epoch's validation loss."""
    iterator, loss = extra_state["train_iterator"], extra_state.get("val_loss")
    if _plateau(trainer) is not None and iterator["iterations_in_epoch"] == 0 and loss is not None:
        trainer.lr_scheduler.step(iterator["epoch"] - 1, loss)


def _amp_scaler(trainer: Any) -> Any:
    return getattr(trainer.optimizer, "_grad_scaler", None)


def _plateau(trainer: Any) -> Any:
    """torch's scheduler within fairseq's `reduce_lr_on_plateau`, None for others."""
    return getattr(trainer.lr_scheduler, "lr_scheduler", None)


def _forgetful(trainer: Any) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """What decides, and is in no checkpoint of fairseq's: name, owner, its attributes."""
    for module in ("__main__", "fairseq_cli.train"):  # two modules where the latter is started as a program
        function = getattr(sys.modules.get(module), "should_stop_early", None)
        if function is not None:
            yield "patience", function, ("best", "num_runs")
            break
    scaler = getattr(trainer.optimizer, "scaler", None)
    if scaler is not None:
        yield "scaler", scaler, _SCALER
    plateau = _plateau(trainer)
    if plateau is not None:
        yield "plateau", plateau, _PLATEAU


def _values(owner: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: vars(owner)[name] for name in names if name in vars(owner)}
