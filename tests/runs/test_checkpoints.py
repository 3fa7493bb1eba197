"""Checkpoints that our own stack must read back: of every main option, with torch's check on."""

from __future__ import annotations

import builtins
import errno
import io
import os
import random
import resource
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from conftest import NO_OPTIONS, refused, run_command, sse_nmt
from fairseq_training import SHARED, SMALL_TRANSFORMER, train

from sse_nmt.runs import checkpoints
from sse_nmt.runs.average import mean_parameters
from sse_nmt.runs.checkpoints import DamagedCheckpoint, allow_harmless_classes, load_checkpoint
from sse_nmt.runs.plain_checkpoint import export
from sse_nmt.system.errors import UserError
from sse_nmt.training.recovery import recover_checkpoints

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


@pytest.mark.slow
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


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else writes: what is damaged is not read again."""
    monkeypatch.setattr(checkpoints, "_PAUSE", 0)


def saved(path: Path, value: float, **changes: object) -> Path:
    torch.save({"model": {"weight": torch.full((1000, 100), value)}, "cfg": NO_OPTIONS, **changes}, path)
    return path


def test_a_bit_of_a_weight_is_missed(tmp_path, at_once):
    """Wherever it is: torch alone takes most of them."""
    path, dice, by_torch = saved(tmp_path / "checkpoint.pt", 1.0), random.Random(1), 0
    good = path.read_bytes()
    for _ in range(50):
        place = dice.randrange(2000, len(good) - 2000)
        path.write_bytes(good[:place] + bytes([good[place] ^ (1 << dice.randrange(8))]) + good[place + 1 :])
        with pytest.raises(DamagedCheckpoint):
            load_checkpoint(path)
        by_torch += bool(torch.load(path, weights_only=True))
    assert by_torch == 50


def test_weights_that_are_no_numbers_are_named(tmp_path):
    path = saved(tmp_path / "checkpoint.pt", float("nan"))
    for use in (lambda: export(path, tmp_path / "plain.pt", merge_factors=False), lambda: mean_parameters([path])):
        with pytest.raises(UserError) as error:
            use()
        assert str(error.value).startswith(f"{path} must have finite weights, but `weight` holds others")
    assert load_checkpoint(path) and not (tmp_path / "plain.pt").exists()  # it can be gone on from, or looked at


def test_one_that_is_written_over_while_it_is_read(tmp_path):
    """In place, as fairseq does with checkpoint_last.pt: one or the other, whole; no signal, no mixture."""
    path = saved(tmp_path / "checkpoint.pt", 1.0)
    contents = [path.read_bytes(), saved(tmp_path / "other.pt", 2.0, extra_state={"much": "x" * 9999}).read_bytes()]
    ended = threading.Event()

    def write() -> None:
        while not ended.wait(0.05):
            contents.reverse()
            with open(path, "wb") as file:
                for place in range(0, len(contents[0]), 10_000):
                    file.write(contents[0][place : place + 10_000])

    thread = threading.Thread(target=write)
    thread.start()
    values: list[list[float]] = []
    end = time.monotonic() + 30
    try:
        while len(values) < 40 or (len(set(map(tuple, values))) < 2 and time.monotonic() < end):  # however fast it is
            values.append(load_checkpoint(path)["model"]["weight"].unique().tolist())
    finally:
        ended.set()
        thread.join()
    assert {tuple(value) for value in values} == {(1.0,), (2.0,)}


class BadDisk(io.FileIO):
    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    readinto = read  # type: ignore[assignment]


def test_what_cannot_be_read_is_not_damaged(tmp_path, monkeypatch):
    """A failing disk, and too little memory: the file keeps its name, and nobody is told to overwrite it."""
    path = saved(tmp_path / "checkpoint_last.pt", 1.0)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="Input/output error"):
        patch.setattr(builtins, "open", lambda name, mode: BadDisk(name, mode))
        recover_checkpoints(tmp_path)
    code = (
        "import resource, sys; from pathlib import Path; from sse_nmt.training.recovery import recover_checkpoints\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 20 * 2**20, -1))\n"
        "recover_checkpoints(Path(sys.argv[1]))"
    )
    torch.save({"model": {"w": torch.zeros(20 * 2**20)}, "cfg": NO_OPTIONS}, path)
    done = run_command(sys.executable, "-c", code, str(tmp_path))
    assert done.returncode == 1 and f"{path} needs more memory than there is" in done.stderr, done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint_last.pt"]


def test_a_full_disk_is_named(tmp_path, capsys):
    """A device, and a file: torch says of both that a position is unexpected."""
    path = saved(tmp_path / "checkpoint.pt", 1.0)
    assert refused(capsys, "export", path, "/dev/full") == (
        "/dev/full cannot be read or written: No space left on device."
    )
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (2000, 2000))
    done = sse_nmt("export", path, tmp_path / "out.pt", preexec_fn=limit)
    assert done.stderr == f"sse-nmt: {tmp_path}/out.pt cannot be read or written: File too large.\n"
    assert done.returncode == 1 and [each.name for each in tmp_path.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"model": [1]}, "its `model` is none of tensors"),
        ({"cfg": {"model": {}}}, "its `cfg` has no options of model and task, each by its name"),
        ({"extra_state": 3}, "its `extra_state` is no dictionary"),
        ({"optimizer_history": [{"num_updates": "many"}]}, "its `optimizer_history` does not count updates"),
    ],
)
def test_what_is_another_thing_than_a_checkpoint(tmp_path, at_once, change, problem):
    path = saved(tmp_path / "checkpoint.pt", 1.0, **change)
    with pytest.raises(DamagedCheckpoint) as error:
        load_checkpoint(path)
    assert str(error.value) == f"{path} must be a fairseq checkpoint, but {problem}."
