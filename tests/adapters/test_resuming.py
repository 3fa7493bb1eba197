"""A training stopped and started again is the unbroken one, in every option that decides something."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq.trainer import Trainer
from fairseq_cli import train as fairseq_train
from fairseq_training import same_parameters, train, train_in_two_processes

from sse_nmt.adapters.resuming import install
from sse_nmt.runs.checkpoints import load_checkpoint


@pytest.fixture
def data(toy_data: Path) -> Path:
    return toy_data / "bin"


class Killed(BaseException):
    """Nothing of fairseq's catches it."""


def kill_at(patch: pytest.MonkeyPatch, update: int) -> None:
    step = Trainer.train_step

    def train_step(self: Trainer, *arguments: Any, **keywords: Any) -> Any:
        if self.get_num_updates() == update:
            raise Killed
        return step(self, *arguments, **keywords)

    patch.setattr(Trainer, "train_step", train_step)


def decisions(folder: Path) -> dict[str, Any]:
    """All that a training decides by, from its last checkpoint, and which checkpoints it has kept."""
    extra = load_checkpoint(folder / "checkpoint_last.pt")
    state, optimizer = extra["extra_state"], extra["last_optimizer_state"]
    kept = {name: state[name] for name in ("best", "val_loss", "train_iterator", "sse_nmt_resuming") if name in state}
    return {
        **kept,
        "rate": [group["lr"] for group in optimizer["param_groups"]],
        "scale": optimizer.get("loss_scale"),
        "files": sorted(path.name for path in folder.glob("*.pt")),
    }


OPTIONS = {
    "plain task": (["--valid-subset", "valid"], {"task": "translation"}),
    "curriculum": (["--curriculum", "1"], {}),
    "update-ordered-indices-seed": (["--update-ordered-indices-seed"], {}),
    "new batches each epoch": (["--update-ordered-indices-seed", "--update-epoch-batch-itr", "True"], {}),
    "grouped shuffling": (["--grouped-shuffling"], {}),
    "workers": (["--num-workers", "1"], {}),
    "exponential average": (["--store-ema", "--ema-decay", "0.9"], {}),
    "activation checkpoints": (["--checkpoint-activations"], {}),
    # The loss falls at every validation, so that the seventh, at update 35, is the last: on any device, and wherever
    # an epoch ends.
    "patience": (
        ["--patience", "6", "--maximize-best-checkpoint-metric", "--lr", "1e-3"]
        + ["--validate-interval-updates", "5", "--validate-interval", "1000", "--save-interval", "1000"],
        {"validate": True},
    ),
    "best and kept": (
        ["--keep-best-checkpoints", "2", "--keep-interval-updates", "2"],
        {"validate": True},
    ),
    "plateau": (
        ["--lr-scheduler", "reduce_lr_on_plateau", "--lr-patience", "1", "--lr-shrink", "0.5", "--lr", "0.3"],
        {"validate": True},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIONS)
def test_resumed_is_the_unbroken_one(data, tmp_path, name):
    """Killed in the third epoch, some updates after it saved."""
    words, settings = OPTIONS[name]
    words = ["--save-interval-updates", "5", *words, "--max-tokens", "300"]
    train(data, tmp_path / "unbroken", *words, updates=36, **settings)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 28)
        train(data, tmp_path / "resumed", *words, updates=36, **settings)
    train(data, tmp_path / "resumed", *words, updates=36, **settings)
    unbroken, resumed = (
        load_checkpoint(tmp_path / folder / "checkpoint_last.pt") for folder in ("unbroken", "resumed")
    )
    assert same_parameters(unbroken, resumed)
    there, here = decisions(tmp_path / "unbroken"), decisions(tmp_path / "resumed")
    assert there == here


@pytest.mark.slow
def test_the_loss_scale_goes_on_where_it_was(data, tmp_path):
    """fairseq counts the updates without overflow anew after each start. (Full-precision masters it does not keep.)"""
    words = ["--fp16", "--fp16-no-flatten-grads", "--fp16-init-scale", "4", "--fp16-scale-window", "7"]
    scales = {}
    for name, stops in (("unbroken", [24]), ("resumed", [5, 24])):
        for stop in stops:
            state = train(data, tmp_path / name, *words, updates=stop)
        scales[name] = state["last_optimizer_state"]["loss_scale"], state["extra_state"]["sse_nmt_resuming"]["scaler"]
    assert scales["unbroken"] == scales["resumed"] and scales["unbroken"][0] > 4


@pytest.mark.slow
def test_sharded_data_goes_on_in_its_shard(data, tmp_path):
    """fairseq takes the next folder in every epoch."""
    other = Path(shutil.copytree(data, tmp_path / "other"))
    for part in ("idx", "bin"):  # another text: the validation set, in place of the training set
        for language in ("en", "de"):
            shutil.copy(data / f"valid.en-de.{language}.{part}", other / f"train.en-de.{language}.{part}")
    shards, words = f"{data}:{other}", ["--save-interval-updates", "5", "--max-tokens", "300"]
    unbroken = train(shards, tmp_path / "unbroken", *words, updates=30)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 18)
        train(shards, tmp_path / "resumed", *words, updates=30)
    assert same_parameters(unbroken, train(shards, tmp_path / "resumed", *words, updates=30))


def test_epochs_after_the_curriculum_are_shuffled(data, tmp_path, monkeypatch):
    """fairseq's loader, used again, would keep the order of the first."""
    seen: dict[int, list[str]] = {}
    original = fairseq_train.train

    def listen(cfg: Any, trainer: Any, task: Any, epoch_itr: Any) -> Any:
        result = original(cfg, trainer, task, epoch_itr)
        seen[epoch_itr.epoch] = [str(batch) for batch in epoch_itr.epoch_batch_sampler.batches]
        return result

    monkeypatch.setattr(fairseq_train, "train", listen)
    train(data, tmp_path, "--curriculum", "2", "--max-epoch", "4", updates=1000)
    assert seen[1] == seen[2] and seen[2] != seen[3] != seen[4]
    assert sorted(seen[1]) == sorted(seen[3]) == sorted(seen[4])


@pytest.mark.slow
def test_another_number_of_processes_goes_on_at_the_same_share_of_the_epoch(data, tmp_path, caplog):
    words = ["--max-tokens", "100", "--save-interval-updates", "10"]
    train(data, tmp_path, *words, updates=10)
    path = tmp_path / "checkpoint_last.pt"
    state = torch.load(path, weights_only=True)
    iterator = state["extra_state"]["train_iterator"]
    assert (iterator["epoch"], iterator["shards"], iterator["iterations_in_epoch"]) == (1, 1, 10)
    batches = iterator["batches"]
    # As four processes leave it, each having seen a quarter of what was seen in all, of twice as many batches.
    iterator.update(shards=4, batches=2 * batches, iterations_in_epoch=6)
    torch.save(state, path)
    with caplog.at_level(logging.INFO):
        resumed = train(data, tmp_path, *words, updates=11)
    assert f"epoch 1 goes on at 12 of {batches}" in caplog.text
    assert resumed["extra_state"]["train_iterator"]["iterations_in_epoch"] == 13
    # As fairseq without us leaves it, further on than this process has batches.
    state["extra_state"]["train_iterator"] = {**iterator, "iterations_in_epoch": 10 * batches}
    del state["extra_state"]["train_iterator"]["shards"], state["extra_state"]["train_iterator"]["batches"]
    torch.save(state, path)
    with caplog.at_level(logging.WARNING):
        resumed = train(data, tmp_path, *words, updates=11)
    assert "epoch 1 begins anew" in caplog.text
    assert resumed["extra_state"]["train_iterator"]["iterations_in_epoch"] == 1


def test_installing_twice_changes_nothing():
    before = Trainer.get_train_iterator
    install()
    assert Trainer.get_train_iterator is before


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.slow
def test_two_processes_go_on_bit_equal(data, tmp_path):
    """Rank 0 reads the checkpoint and sends it, as fairseq does by itself."""
    words = ["--arch", "transformer", "--share-all-embeddings", "--optimizer", "adam", "--lr", "1e-2"]
    words += ["--save-interval-updates", "5"]
    unbroken = train_in_two_processes(data, tmp_path / "unbroken", *words, updates=14)
    (tmp_path / "resumed").mkdir()
    shutil.copy(next((tmp_path / "unbroken").glob("checkpoint_*_5.pt")), tmp_path / "resumed/checkpoint_last.pt")
    assert equal(train_in_two_processes(data, tmp_path / "resumed", *words, updates=14), unbroken)


def test_two_processes_start_from_a_model_with_the_plain_task(data, tmp_path):
    words = ["--arch", "transformer", "--share-all-embeddings", "--optimizer", "adam", "--lr", "1e-2"]
    start = train(data, tmp_path / "start", updates=3)["model"]
    begin = ["--finetune-from-model", str(tmp_path / "start/checkpoint_last.pt"), "--lr", "1e-30"]
    tuned = train_in_two_processes(data, tmp_path / "tuned", *words, *begin, updates=1, task="translation")
    assert start.keys() == tuned.keys() and all(torch.allclose(start[key], tuned[key]) for key in start)
