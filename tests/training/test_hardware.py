"""One configuration on any number of processes: the same tokens an update, the same losses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import ROOT, read_json, refused, run_command, sse_nmt, sse_nmt_here
from omegaconf import OmegaConf

from sse_nmt.runs.checkpoints import load_checkpoint, updates
from sse_nmt.runs.training_log import parse
from sse_nmt.training.configuration import read_configuration
from sse_nmt.training.hardware import Machine, adapt_to_hardware

CONFIG = ROOT / "configs/wmt14_en_de/baseline.yaml"
_SIZES = {"layers": 1, "embed_dim": 16, "ffn_embed_dim": 32, "attention_heads": 2}
SETTINGS = [
    *(f"model.{side}_{name}={size}" for side in ("encoder", "decoder") for name, size in _SIZES.items()),
    *("model.dropout=0", "optimization.max_update=4", "optimization.update_freq=[4]", "dataset.max_tokens=150"),
    *("dataset.num_workers=0", "common.log_interval=1", "checkpoint.save_interval_updates=2"),
]
TORCHRUN = ["torchrun", "--standalone", "--nproc_per_node", "2", "--no-python", "sse-nmt", "train"]
SMALL = [word for setting in SETTINGS for word in ("--set", setting)]
TENSORBOARD = ["--set", "common.tensorboard_logdir=tensorboard"]


@pytest.mark.parametrize("processes", [1, 2, 3, 4, 6, 8, 16, 32])
def test_an_update_sees_as_many_tokens_whatever_the_processes(processes):
    configuration = read_configuration(CONFIG)
    tokens = configuration.dataset.max_tokens * configuration.optimization.update_freq[0]
    adapted = adapt_to_hardware(configuration, Machine(gpus=processes, processes=processes))
    here = adapted.dataset.max_tokens * adapted.optimization.update_freq[0] * processes
    assert here == pytest.approx(tokens, rel=0.001) and adapted.dataset.max_tokens <= configuration.dataset.max_tokens
    assert adapted.common.fp16
    assert configuration == read_configuration(CONFIG)  # what was asked for stays as it was


def test_without_a_gpu_precision_is_full():
    configuration = read_configuration(CONFIG)
    assert not adapt_to_hardware(configuration, Machine(gpus=0, processes=1)).common.fp16
    for half in ("fp16", "bf16"):
        on_cpu = OmegaConf.merge(configuration, {"common": {"cpu": True, "fp16": False, half: True}})
        for machine in (Machine(gpus=1, processes=1), Machine(gpus=1, processes=1, bfloat16=False)):
            common = adapt_to_hardware(on_cpu, machine).common
            assert not common.get("bf16", False) and not common.fp16


def test_gpus_without_bfloat16_take_float16():
    machine = Machine(gpus=1, processes=1, bfloat16=False)
    asked = OmegaConf.merge(read_configuration(CONFIG), {"common": {"fp16": False, "bf16": True}})
    common = adapt_to_hardware(asked, machine).common
    assert common.fp16 and not common.bf16
    assert adapt_to_hardware(asked, Machine(gpus=1, processes=1)).common.bf16
    plain = adapt_to_hardware(OmegaConf.create({"common": {"seed": 1}}), machine).common
    assert plain == {"seed": 1}


def test_batches_counted_in_sentences_are_left_alone():
    configuration = OmegaConf.create({"dataset": {"batch_size": 7}})
    assert adapt_to_hardware(configuration, Machine(gpus=2, processes=2)).dataset == {"batch_size": 7}


def test_torchrun_and_slurm_say_who_is_who():
    plain = OmegaConf.create({})
    torchrun = {"WORLD_SIZE": "4", "RANK": "3", "LOCAL_WORLD_SIZE": "2", "SLURM_NTASKS": "64"}
    here = Machine.here(plain, torchrun)
    assert (here.processes, here.rank, here.local, here.launcher) == (4, 3, 2, "torchrun")
    slurm = {"SLURM_NTASKS": "16", "SLURM_PROCID": "9", "SLURM_NTASKS_PER_NODE": "8"}
    here = Machine.here(OmegaConf.create({"distributed_training": {"distributed_port": 29500}}), slurm)
    assert (here.processes, here.rank, here.local, here.launcher) == (16, 9, 8, "Slurm")
    assert Machine.here(plain, slurm).launcher is None  # without a port fairseq does not ask Slurm either


def losses(log: Path) -> list[float]:
    records = (parse(line) for line in log.read_text(encoding="utf-8").splitlines())
    return [record.values["loss"] for record in records if record is not None and record.kind == "train_inner"]


@pytest.fixture(scope="module")
def one_and_two(toy_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same training by one process and by two that torchrun starts."""
    one, two = (tmp_path_factory.mktemp("processes") / name for name in ("one", "two"))
    done = sse_nmt("train", toy_data, f"{CONFIG}={one}", *SMALL, *TENSORBOARD)
    assert done.returncode == 0, done.stderr
    two.mkdir()
    (two / "train.rank1.log").touch()  # the process of rank 1 may come first
    done = run_command(*TORCHRUN, str(toy_data), f"{CONFIG}={two}", *SMALL)
    assert done.returncode == 0, done.stderr
    return one, two


@pytest.mark.slow
def test_two_processes_find_the_losses_of_one(one_and_two):
    one, two = one_and_two
    assert len(losses(one / "train.log")) == 4
    assert losses(two / "train.log") == pytest.approx(losses(one / "train.log"), abs=0.0015)  # printed with 3 decimals
    written = [OmegaConf.load(run / "training.yaml").optimization.update_freq for run in one_and_two]
    assert written == [[4], [2]] and (two / "train.rank1.log").is_file()
    a, b = (load_checkpoint(run / "checkpoints/checkpoint_last.pt")["model"] for run in one_and_two)
    assert all((a[key] - b[key]).abs().max() < 1e-5 for key in a)


@pytest.mark.slow
def test_a_run_may_go_on_with_other_processes(one_and_two, toy_data, capsys):
    """What it was asked for is compared, not what this machine made of it."""
    _, two = one_and_two
    elsewhere = ("dataset.num_workers=1", "common.log_interval=7", "checkpoint.save_interval_updates=9")
    words = [word for setting in elsewhere for word in ("--set", setting)]
    sse_nmt_here("train", toy_data, f"{CONFIG}={two}", *SMALL, *words)  # how it reports and saves binds nobody
    assert f"{two} is trained already." in capsys.readouterr().err
    log = (two / "train.rank1.log").read_bytes()
    done = run_command(*TORCHRUN, str(toy_data), f"{CONFIG}={two}", *SMALL, timeout=60)
    assert done.returncode == 0 and f"{two} is trained already." in done.stderr
    assert (two / "train.rank1.log").read_bytes() == log  # nor does rank 1 wait for it
    sentence = refused(capsys, "train", toy_data, f"{CONFIG}={two}", *SMALL, "--set", "model.dropout=0.7")
    assert "holds a run with `model.dropout` 0, not 0.7: choose another folder" in sentence


def test_tensorboard_s_files_are_in_the_run_folder(one_and_two):
    one, _ = one_and_two
    written = {path.parent.name for path in (one / "tensorboard").rglob("events.out.tfevents.*")}
    assert {"train", "train_inner", "valid"} <= written


def test_several_systems_do_not_go_with_torchrun(toy_data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    sentence = refused(capsys, "train", toy_data, f"{CONFIG}={tmp_path}/a", f"{CONFIG}={tmp_path}/b")
    assert sentence == "torchrun trains one system at a time, but 2 are given."


@pytest.mark.slow
def test_a_checkpoint_cut_off_in_writing_does_not_stop_a_training(one_and_two, toy_data, tmp_path):
    """As a process leaves it that is killed while it writes the last one."""
    run = Path(shutil.copytree(one_and_two[0], tmp_path / "run"))
    record, last = read_json(run / "run.json"), run / "checkpoints/checkpoint_last.pt"
    unbroken = last.read_bytes()
    (run / "run.json").write_text((run / "run.json").read_text().replace('"finished"', '"running"', 1))
    last.write_bytes(unbroken[: len(unbroken) // 2])
    for path in (run / "checkpoints").glob("checkpoint_*_4.pt"):
        path.unlink()
    (run / "checkpoints/checkpoint_best.pt").unlink()
    again = sse_nmt("train", toy_data, f"{CONFIG}={run}", *SMALL, *TENSORBOARD)
    assert again.returncode == 0, again.stderr
    assert f"{last} is damaged: going on from checkpoint_" in again.stderr and "update 2." in again.stderr
    assert updates(load_checkpoint(last)) == 4 == record["updates"]
