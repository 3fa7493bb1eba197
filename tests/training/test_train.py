"""Run folders: what a training leaves, how it goes on, and what it refuses."""

from __future__ import annotations

import contextlib
import errno
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from conftest import ROOT, read_json, refused, run_command, sse_nmt, sse_nmt_here
from omegaconf import OmegaConf

from sse_nmt.runs.checkpoints import DamagedCheckpoint, load_checkpoint, updates
from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.runs.training_log import parse, validation_curve
from sse_nmt.system.atomic_files import write_json
from sse_nmt.training.recovery import recover_checkpoints

CONFIG = ROOT / "configs/quickstart/sse_se.yaml"
SMALL = [
    *("--set", "model.encoder_embed_dim=16", "--set", "model.decoder_embed_dim=16"),
    *("--set", "dataset.max_tokens=400", "--set", "common.log_interval=5"),
]


def test_a_run_folder_explains_itself(toy_runs, toy_data):
    for name, run in toy_runs.items():
        record = read_json(run / "run.json")
        assert (record["status"], record["updates"], record["seed"]) == ("finished", 300, 1)
        assert record["command"][1:3] == ["train", str(toy_data)] or "train" in record["command"]
        assert {"python", "torch", "ve-fairseq", "sacrebleu", "sse_nmt"} <= set(record["versions"])
        assert record["data"]["pairs"]["train"] == 160
        if (ROOT / ".git").exists():
            assert len(record["git"]["commit"]) == 40
        full = OmegaConf.load(run / "training_full.yaml")
        assert full.task._name == ("translation" if name == "baseline" else "translation_sse")
        assert full.optimizer.adam_betas == "(0.9, 0.98)" and full.optimizer.adam_eps == 1e-8  # a default
        assert "train_inner" in (run / "train.log").read_text(encoding="utf-8")
        for checkpoint in ("checkpoint_best.pt", "checkpoint_last.pt"):
            assert load_checkpoint(run / "checkpoints" / checkpoint)["model"]
        curve = validation_curve(run / "train.log")
        assert curve[-1][0] == 300 and curve[-1][1] < curve[0][1]


def test_its_configuration_trains_again_with_fairseq_alone(toy_runs, tmp_path):
    """RUN/training.yaml is what fairseq-hydra-train reads."""
    words = ["--config-dir", str(toy_runs["sse_se"]), "--config-name", "training", f"checkpoint.save_dir={tmp_path}"]
    done = run_command("fairseq-hydra-train", *words, "optimization.max_update=3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "SSE-SE, encoder: p0 = 0.01" in done.stdout + done.stderr
    assert updates(load_checkpoint(tmp_path / "checkpoint_last.pt")) == 3


def test_a_finished_run_is_left_alone(toy_runs, toy_data, capsys):
    run = toy_runs["sse_se"]
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    record = read_json(run / "run.json")
    same = [*record["command"][record["command"].index("train") + 1 :]]
    done = sse_nmt("train", *same)
    assert done.returncode == 0 and f"{run} is trained already.\n" in done.stderr
    other = refused(capsys, "train", toy_data, f"{CONFIG}={run}", "--updates", "200")
    assert other.startswith(f"{run} holds a run with `"), other
    assert before == {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_overwrite_starts_afresh_and_keeps_what_is_not_the_run_s(toy_runs, toy_data, tmp_path):
    run = Path(shutil.copytree(toy_runs["sse_se"], tmp_path / "run"))
    (run / "notes.txt").write_text("mine")
    done = sse_nmt("train", toy_data, f"{CONFIG}={run}", *SMALL, "--updates", "3", "--overwrite")
    assert done.returncode == 0, done.stderr
    assert read_json(run / "run.json")["updates"] == 3 and not (run / "scores").exists()
    assert (run / "notes.txt").read_text() == "mine"


def stopped_by(signal_: int, words: list[str | Path], checkpoint: Path) -> tuple[int, str]:
    """Status and news of a training that was sent a signal once it had written ``checkpoint`` (anew)."""
    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
    # Whoever runs the tests in the background has SIGINT ignored, and so would have the child.
    heed = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    command = [sys.executable, "-m", "sse_nmt", *map(str, words)]
    training = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=heed)
    deadline = time.monotonic() + 120
    while not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before:
        assert training.poll() is None and time.monotonic() < deadline, "no checkpoint came"
        time.sleep(0.02)
    training.send_signal(signal_)
    news = training.communicate(timeout=30)[1]
    return training.returncode, news


def whole_checkpoints(run: Path) -> Iterator[int]:
    """Their updates; the kill may have come while one of them was written."""
    for path in (run / "checkpoints").glob("*.pt"):
        with contextlib.suppress(DamagedCheckpoint):
            yield updates(load_checkpoint(path))


@pytest.mark.slow
def test_killed_interrupted_and_started_again_it_goes_on(toy_data, tmp_path):
    run = tmp_path / "run"
    words = ["train", toy_data, f"{CONFIG}={run}", *SMALL, "--updates", "120"]
    begun, reached = [], []
    for signal_, status in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        ended, news = stopped_by(signal_, words, run / "checkpoints/checkpoint_last.pt")
        assert ended == status and (f"{run} goes on where it stopped." in news) == bool(begun)
        time.sleep(1)  # until the kernel has told the trainer of its parent's death
        record = read_json(run / "run.json")
        assert record["status"] == ("running" if signal_ is signal.SIGKILL else "interrupted")
        begun.append(record["started"])
        reached.append(max(whole_checkpoints(run)))
    assert 0 < reached[0] < reached[1] < 120
    last = sse_nmt(*words)
    assert last.returncode == 0, last.stderr
    assert f"{run} goes on where it stopped." in last.stderr
    record = read_json(run / "run.json")
    assert (record["status"], record["updates"]) == ("finished", 120)
    assert [session["started"] for session in record["earlier"]] == begun
    assert (run / "train.log").read_text(encoding="utf-8").count("Loaded checkpoint") == 2


def test_a_checkpoint_cut_off_in_writing_is_replaced(toy_runs, tmp_path, capsys):
    run = RunFolder(Path(shutil.copytree(toy_runs["sse_se"], tmp_path / "run")))
    last, best = run.checkpoints / "checkpoint_last.pt", run.checkpoints / "checkpoint_best.pt"
    last.write_bytes(last.read_bytes()[:-1000])
    recover_checkpoints(run.checkpoints)
    assert last.read_bytes() == best.read_bytes()
    assert f"{last} is damaged: going on from checkpoint_best.pt, update" in capsys.readouterr().err


def test_a_best_checkpoint_cut_off_comes_back_from_one_that_holds_the_same_model(toy_runs, tmp_path, capsys):
    """And is moved aside, not taken, where there is none; what is missing comes back too."""
    run = RunFolder(Path(shutil.copytree(toy_runs["sse_se"], tmp_path / "run")))
    last, best = run.checkpoints / "checkpoint_last.pt", run.checkpoints / "checkpoint_best.pt"
    whole = best.read_bytes()
    (run.checkpoints / "checkpoint_9_100.pt").write_bytes(whole)
    best.write_bytes(whole[:-1000])
    recover_checkpoints(run.checkpoints)
    assert best.read_bytes() == whole
    assert f"{best} is damaged: checkpoint_9_100.pt holds the same model." in capsys.readouterr().err
    last.unlink()
    recover_checkpoints(run.checkpoints)
    assert last.read_bytes() == whole
    assert f"{last} is missing: going on from checkpoint_" in capsys.readouterr().err
    (run.checkpoints / "checkpoint_9_100.pt").unlink()
    state = load_checkpoint(last)
    last.unlink()  # its tensors are mapped: it must not change beneath them
    torch.save({**state, "extra_state": {**state["extra_state"], "val_loss": 1e9}}, last)
    best.write_bytes(whole[:-1000])
    recover_checkpoints(run.checkpoints)
    assert not best.exists() and best.with_suffix(".damaged").read_bytes() == whole[:-1000]


def test_an_average_is_nothing_to_go_on_from(toy_runs, tmp_path):
    folder = Path(shutil.copytree(toy_runs["sse_se"] / "checkpoints", tmp_path / "checkpoints"))
    state = load_checkpoint(folder / "checkpoint_last.pt")
    for path in folder.iterdir():
        path.unlink()
    torch.save(
        {key: value for key, value in state.items() if key != "last_optimizer_state"}, folder / "checkpoint_average.pt"
    )
    recover_checkpoints(folder)
    assert [path.name for path in folder.iterdir()] == ["checkpoint_average.pt"]


def test_a_checkpoint_that_cannot_be_read_now_is_not_called_damaged(toy_runs, toy_data, tmp_path, capsys, monkeypatch):
    run = Path(shutil.copytree(toy_runs["sse_se"], tmp_path / "run"))

    def fails(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error", "checkpoint_last.pt")

    monkeypatch.setattr(torch, "load", fails)
    command = read_json(run / "run.json")["command"]
    words = ["train", toy_data, f"{CONFIG}={run}", *command[command.index("--updates") :]]
    assert refused(capsys, *words) == "checkpoint_last.pt cannot be read or written: Input/output error."
    assert not list(run.rglob("*.damaged"))


def test_a_training_at_its_end_does_no_update_more(toy_runs, toy_data, tmp_path, capsys):
    """Killed between the last checkpoint and "finished"."""
    run = Path(shutil.copytree(toy_runs["sse_se"], tmp_path / "run"))
    before = read_json(run / "run.json")
    last = (run / "checkpoints/checkpoint_last.pt").read_bytes()
    write_json(run / "run.json", {**before, "status": "running"})
    sse_nmt_here("train", toy_data, f"{CONFIG}={run}", *before["command"][before["command"].index("--updates") :])
    assert f"{run} was trained to its end before." in capsys.readouterr().err
    record = read_json(run / "run.json")
    assert (record["status"], record["updates"]) == ("finished", before["updates"])
    assert (run / "checkpoints/checkpoint_last.pt").read_bytes() == last


@pytest.mark.slow
def test_a_first_command_that_came_to_nothing_binds_nobody(toy_data, tmp_path):
    run = tmp_path / "run"
    words = ["train", toy_data, f"{CONFIG}={run}", *SMALL, "--updates"]
    done = sse_nmt(*words, "9", "--set", "optimization.lr=[x]")
    assert done.returncode == 1 and read_json(run / "run.json")["status"] == "failed"
    done = sse_nmt(*words, "3")
    assert done.returncode == 0, done.stderr
    record = read_json(run / "run.json")
    assert (record["status"], record["updates"], record["earlier"]) == ("finished", 3, [])


def test_no_readable_checkpoint_is_said(toy_runs, toy_data, tmp_path, capsys):
    run = Path(shutil.copytree(toy_runs["sse_se"], tmp_path / "run"))
    for checkpoint in (run / "checkpoints").iterdir():
        checkpoint.write_bytes(b"PK\x03\x04 nothing")
    record = read_json(run / "run.json")
    write_json(run / "run.json", {**record, "status": "running"})
    same = list(record["command"][record["command"].index("--updates") :])
    assert refused(capsys, "train", toy_data, f"{CONFIG}={run}", *same, after_news=True) == (
        f"{run}/checkpoints/checkpoint_last.pt is damaged and no other checkpoint is left: "
        "choose another folder for a new training."
    )


def test_overwrite_touches_nothing_before_all_is_checked(toy_runs, toy_data, tmp_path, capsys):
    run = Path(shutil.copytree(toy_runs["sse_se"], tmp_path / "run"))
    words = [f"{CONFIG}={run}", f"{tmp_path}/typo.yaml={tmp_path}/other", "--overwrite"]
    assert "typo.yaml must be a configuration file" in refused(capsys, "train", toy_data, *words)
    assert read_json(run / "run.json") == read_json(toy_runs["sse_se"] / "run.json")


def test_other_data_is_noticed(toy_runs, toy_data, tmp_path, capsys):
    data = Path(shutil.copytree(toy_data, tmp_path / "data"))
    write_json(data / "manifest.json", {**read_json(data / "manifest.json"), "fingerprint": "other"})
    run = toy_runs["sse_se"]
    assert refused(capsys, "train", data, f"{CONFIG}={run}") == (
        f"{run} holds a run on other text than {data} now holds: "
        "choose another folder (`--overwrite` discards what this one holds)."
    )


def test_a_run_and_its_data_may_be_moved(toy_runs, toy_data, tmp_path, capsys):
    run, data = shutil.copytree(toy_runs["sse_se"], tmp_path / "run"), shutil.copytree(toy_data, tmp_path / "data")
    command = read_json(toy_runs["sse_se"] / "run.json")["command"]
    sse_nmt_here("train", data, f"{CONFIG}={run}", *command[command.index("--updates") :])
    assert f"{run} is trained already." in capsys.readouterr().err


@pytest.mark.slow
def test_a_log_that_cannot_be_kept_stops_the_training(toy_data, tmp_path):
    """A limit on the size of files stands in for a full disk; nothing may hang."""
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (12_000, 12_000))
    done = sse_nmt(
        "train", toy_data, f"{CONFIG}={tmp_path}/run", *SMALL, "--updates", "5", preexec_fn=limit, timeout=120
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "cannot be" in done.stderr.splitlines()[-1] or "failed with status" in done.stderr.splitlines()[-1]


def test_a_folder_in_use_is_refused(toy_data, tmp_path):
    run = RunFolder(tmp_path / "run")
    with run.lock():
        done = sse_nmt("train", toy_data, f"{CONFIG}={run.path}")
    assert done.returncode == 1
    assert done.stderr == f"sse-nmt: {run.path} is in use by another training: wait for it or stop it.\n"


def bad_config(folder: Path, text: str) -> Path:
    path = folder / "bad.yaml"
    path.write_text(text)
    return path


def test_what_cannot_be_trained_is_said_in_one_sentence(toy_data, tmp_path, capsys):
    run, missing = tmp_path / "run", tmp_path / "missing.yaml"
    unread, empty = bad_config(tmp_path, "a: [b"), tmp_path / "empty.yaml"
    empty.write_text("common: {}\n")
    good, theirs = f"{CONFIG}={run}", tmp_path / "theirs"
    (theirs / "text").mkdir(parents=True)
    for words, sentence in [
        ([tmp_path, good], f"{tmp_path} must be prepared by `sse-nmt prepare`, but holds no manifest.json."),
        ([toy_data, f"{missing}={run}"], f"{missing} must be a configuration file, but there is no such file."),
        ([toy_data, f"{unread}={run}"], f"{unread} must be YAML, but cannot be read: while parsing"),
        ([toy_data, f"{empty}={run}"], f"{empty} must hold a `task` and a `model`, but does not."),
        ([toy_data, "sse_se"], "A system must be given as CONFIG=RUN, but is 'sse_se' instead."),
        ([toy_data, good, good], "Each system must have a run folder of its own, but one is named twice."),
        ([toy_data, good, "--set", "seed"], "An override must be KEY=VALUE, but is 'seed' instead."),
        *(
            (
                [toy_data, good, "--set", f"{key}=${{nope}}"],
                "A configuration must refer to nothing but what it has, but does: Interpolation key 'nope' not found.",
            )
            for key in ("common.fp16", "task.sse_graph_source", "optimization.max_update", "checkpoint.patience")
        ),
        ([toy_data, good, "--set", "a=[b"], "An override must be YAML after its =, but 'a=[b' is not."),
        ([toy_data, good, "--updates", "0"], "`--updates` must be at least 1, but is 0 instead."),
        ([toy_data, f"{CONFIG}={theirs}"], f"{theirs} must be empty or of our own making, but holds text and no"),
        (
            [toy_data, good, f"{CONFIG}={tmp_path}/other", "--name", "mine"],
            "`--name` must be that of one system, but is 'mine' for 2: train each alone.",
        ),
        (
            [toy_data, good, "--name", "a/b"],
            "`--name` must be letters, digits, and . _ + - within, but is 'a/b' instead.",
        ),
        ([toy_data, good, "--jobs", "0"], "`--jobs` must be at least 1, but is 0 instead."),
    ]:
        assert refused(capsys, "train", *words).startswith(sentence)
        assert not (run / "run.json").exists()
    assert [path.name for path in theirs.iterdir()] == ["text"]


def test_what_fairseq_refuses_is_passed_on(toy_data, tmp_path):
    done = sse_nmt("train", toy_data, f"{CONFIG}={tmp_path}/run", "--set", "task.sse_prob=1.5")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "sse-nmt: The training of sse_se failed with status 1: "
        f"`--sse-prob` must be in [0, 1], but is 1.5 instead. (see {tmp_path}/run/train.log)"
    )
    assert read_json(tmp_path / "run/run.json")["status"] == "failed"


def test_log_lines():
    line = '2026-11-22 02:37:41 | INFO | valid | {"epoch": 2, "valid_loss": "9.034", "valid_num_updates": "200"}'
    record = parse(line)
    assert record is not None and record.kind == "valid"
    assert record.values == {"epoch": 2.0, "loss": 9.034, "num_updates": 200.0}
    assert parse("2026-11-22 | INFO | fairseq_cli.train | begin training epoch 1") is None


def test_a_resumed_validation_counts_once(tmp_path):
    log = tmp_path / "log"
    records = [(100, "5.0"), (200, "4.0"), (200, "4.5"), (300, "3.0")]
    lines = (f'x | valid | {{"valid_loss": "{loss}", "valid_num_updates": "{update}"}}' for update, loss in records)
    log.write_text("\n".join(lines), encoding="utf-8")
    assert validation_curve(log) == [(100, 5.0), (200, 4.5), (300, 3.0)]
