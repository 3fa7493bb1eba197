"""Cells as jobs, with submitit's local executor in place of Slurm."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
import submitit
import yaml
from conftest import ROOT, SMALLER, refused, sse_nmt, sse_nmt_here
from fairseq_training import same_parameters

from sse_nmt.runs.checkpoints import load_checkpoint
from sse_nmt.studies.slurm import CellJob
from sse_nmt.studies.slurm_queue import QueueWatcher, keeps_accounts
from sse_nmt.studies.slurm_settings import SlurmSettings

CONFIG = ROOT / "configs/quickstart/sse_se.yaml"


@pytest.fixture
def study(toy_text: tuple[Path, Path], tmp_path: Path) -> list[str | Path]:
    own = {"source": str(toy_text[0]), "target": str(toy_text[1]), "valid": 20, "test": 20, "max_ratio": 3.0}
    common = dict(word.split("=", 1) for word in SMALLER if "=" in word)
    tree = {
        "corpora": {"toy": {"prepare": "files", "vocab_size": 80, "pairs": 100, **own}},
        "systems": {"good": {"config": str(CONFIG)}, "bad": {"config": str(CONFIG), "set": {"model.dropoutt": 1}}},
        "seeds": [1], "updates": 20, "evaluate": {"beam": 1}, "slurm": {"cluster": "local", "minutes": 5},
        "set": {key: yaml.safe_load(value) for key, value in common.items()},
    }  # fmt: skip
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return ["study", tmp_path / "study.yaml", "--output", tmp_path / "out"]


@pytest.mark.slow
def test_cells_are_jobs_and_what_fails_is_named(study, tmp_path, capsys):
    with pytest.raises(SystemExit):
        sse_nmt_here(*study, "--slurm")
    said = capsys.readouterr().err
    assert "2 jobs; they stay when this command ends" in said and "toy/good/1 done in" in said
    assert "1 of 2 steps failed" in said and "\n  toy/bad/1: " in said and "is `model.dropout` meant?" in said
    assert (tmp_path / "out/toy/good/1/scores/test.json").is_file()
    sse_nmt_here(*study, "--slurm", "--only", "*/good/*")
    assert capsys.readouterr().err.splitlines() == ["1 cells, 1 of them done before."]


@pytest.mark.slow
def test_at_its_time_limit_a_job_goes_on_bit_for_bit(toy_data, tmp_path):
    words = [*SMALLER, "--set", "checkpoint.save_interval_updates=7", "--updates", "90"]
    systems = {name: f"{CONFIG}={tmp_path / name}" for name in ("unbroken", "broken")}
    assert sse_nmt("train", toy_data, systems["unbroken"], *words).returncode == 0
    executor = submitit.LocalExecutor(tmp_path / "jobs")
    executor.update_parameters(timeout_min=5)
    job = executor.submit(CellJob([["train", str(toy_data), systems["broken"], *words]], tmp_path / "log"))
    until(lambda: list((tmp_path / "broken/checkpoints").glob("checkpoint_*_14.pt")))
    for process in descendants(job._process.pid):  # as Slurm signals all of a job's steps
        os.kill(process, signal.SIGUSR2)
    assert job.result() is None
    assert "goes on where it stopped" in (tmp_path / "log").read_text()
    one, other = (load_checkpoint(tmp_path / f"{name}/checkpoints/checkpoint_last.pt") for name in systems)
    assert same_parameters(one, other)


def test_what_jobs_ask_for():
    asked = SlurmSettings(partition="gpu", gpus=1, minutes=60, array=3, options={"account": "me"}).parameters()
    assert asked == {
        "slurm_partition": "gpu", "gpus_per_node": 1, "timeout_min": 60, "slurm_array_parallelism": 3,
        "slurm_additional_parameters": {"account": "me"}, "slurm_job_name": "sse_nmt", "slurm_signal_delay_s": 90,
    }  # fmt: skip


def test_without_accounts_the_queue_is_asked(tmp_path, monkeypatch):
    """As Slurm 22.05 prints it; a job that is not there has ended, with a result or without."""
    sbin = tmp_path / "bin"
    sbin.mkdir()
    for name, lines in {
        "sacct": "exit 1",
        "squeue": "echo '7_0|RUNNING'; echo '7_1|CONFIGURING'; echo '9|PENDING'",
    }.items():
        (sbin / name).write_text(f"#!/bin/sh\n{lines}\n")
        (sbin / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{sbin}:{os.environ['PATH']}")
    assert not keeps_accounts()
    watcher = QueueWatcher()
    for job in ("7_0", "7_1", "7_2"):
        watcher.register_job(job)
    assert [watcher.get_state(f"7_{i}") for i in range(3)] == ["RUNNING", "RUNNING", "ENDED"]
    assert [watcher.is_done(f"7_{i}") for i in range(3)] == [False, False, True]
    (sbin / "squeue").write_text("#!/bin/sh\nexit 1\n")  # its controller is away
    watcher.update()
    assert watcher.get_state("7_0", mode="cache") == "RUNNING"


def test_without_submitit_it_is_named(study, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    said = refused(capsys, *study, "--slurm", "--only", "*/good/*", after_news=True)
    assert said == "`--slurm` needs submitit, which is not installed: `pip install 'sse_nmt[slurm]'`."


def descendants(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [each for child in map(int, children) for each in (child, *descendants(child))]


def until(there, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
