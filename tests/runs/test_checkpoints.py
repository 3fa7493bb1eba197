"""Checkpoints that our own stack must read back: of every main option, with torch's check on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from fairseq_training import SHARED, SMALL_TRANSFORMER, train

from sse_nmt.runs.checkpoints import DamagedCheckpoint, allow_harmless_classes, load_checkpoint
from sse_nmt.runs.plain_checkpoint import export
from sse_nmt.system.errors import UserError

BLEU = [
    *("--eval-bleu", "--eval-bleu-remove-bpe", "sentencepiece", "--eval-bleu-args", '{"beam": 1, "max_len_b": 8}'),
    *("--best-checkpoint-metric", "bleu", "--maximize-best-checkpoint-metric"),
]
OPTIONS = {
    "plain": [],
    "eval-bleu": BLEU,
    "exponential average": ["--store-ema"],
    "low rank": [*SMALL_TRANSFORMER, *SHARED, "--low-rank-scale", "0.5", "--frobenius-decay", "1e-4"],
    "frequency-aware SGD": [*SMALL_TRANSFORMER, "--optimizer", "cf_sgd"],
    "half precision": ["--fp16", "--fp16-no-flatten-grads", "--fp16-init-scale", "4"],
    "plateau": ["--lr-scheduler", "reduce_lr_on_plateau"],
    "labels": ["--sse-prob-label", "0.1"],
}


@pytest.mark.parametrize("name", OPTIONS)
def test_torch_reads_it_and_training_goes_on(toy_data, tmp_path, name):
    words = OPTIONS[name]
    train(toy_data / "bin", tmp_path, *words, updates=4, validate=True)
    allow_harmless_classes()
    assert torch.serialization.get_unsafe_globals_in_checkpoint(tmp_path / "checkpoint_best.pt") == []
    state = train(toy_data / "bin", tmp_path, *words, updates=6, validate=True)
    assert state["optimizer_history"][-1]["num_updates"] == 6
    if name != "low rank":
        export(tmp_path / "checkpoint_best.pt", tmp_path / "plain.pt", merge_factors=False)


class Stranger:
    """What no checkpoint of ours holds."""


def test_a_refused_class_is_named_and_nothing_is_called_damaged(tmp_path):
    path = tmp_path / "checkpoint.pt"
    torch.save({"model": {}, "cfg": Stranger()}, path)
    with pytest.raises(UserError) as error:
        load_checkpoint(path)
    assert not isinstance(error.value, DamagedCheckpoint)
    assert str(error.value).startswith(
        f"{path} must hold tensors, numbers and options only, but torch refuses test_checkpoints.Stranger in it"
    )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b"\x80\x02}q\x00."])
def test_what_is_no_checkpoint(tmp_path: Path, content: bytes):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)
    with pytest.raises(DamagedCheckpoint, match=f"^{path} must be a "):
        load_checkpoint(path)
