"""`sse-nmt train`: train systems on prepared data, each in a run folder of its own.

Started by torchrun or Slurm, the process of rank 0 keeps the run folder and the others train along.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.system.errors import UserError
from sse_nmt.system.machine import cores
from sse_nmt.system.options import check_options
from sse_nmt.system.progress import log_line
from sse_nmt.training.configuration import run_configuration
from sse_nmt.training.hardware import Machine, adapt_to_hardware
from sse_nmt.training.launch import Job, run_jobs, train_worker
from sse_nmt.training.options import TrainOptions
from sse_nmt.training.recovery import nothing_left_to_do, recover_checkpoints


def train(data: Path, systems: Sequence[tuple[Path, Path]], options: TrainOptions) -> None:
    """Train each (configuration, run folder) of ``systems`` on ``data``; finished runs are left as they are.

    Raises:
        UserError: data not prepared, a folder that holds another run, one name for several systems, or a training that
            failed.
    """
    if not (data / "manifest.json").is_file():
        raise UserError(f"{data} must be prepared by `sse-nmt prepare`, but holds no manifest.json.")
    if not (data / "bin").is_dir():
        raise UserError(f"{data} must hold text to train on, but holds a test text alone.")
    check_options(options)
    if options.name is not None and len(systems) > 1:
        raise UserError(
            f"`--name` must be that of one system, but is {options.name!r} for {len(systems)}: train each alone."
        )
    folders = [run.resolve() for _, run in systems]
    if len(set(folders)) < len(folders):
        raise UserError("Each system must have a run folder of its own, but one is named twice.")
    # All are checked before the first is touched.
    runs = [(RunFolder(run), _configuration(file, data, options)) for file, run in systems]
    machine = Machine.here(runs[0][1])
    if machine.launcher is not None and len(systems) > 1:
        raise UserError(f"{machine.launcher} trains one system at a time, but {len(systems)} are given.")
    for _, configuration in runs:
        _check_tensorboard(configuration)
    for run, _ in runs:
        run.check_ours()
    if machine.rank > 0:
        run, configuration = runs[0]
        done = run.finished or (run.begun and nothing_left_to_do(run.checkpoints, configuration))
        if options.overwrite or not done:  # rank 0 would not come to train a finished one
            train_worker(run, adapt_to_hardware(configuration, machine), machine.rank, _share_machine(1, 1, machine)[1])
        return
    with contextlib.ExitStack() as locks:
        held = [locks.enter_context(run.lock()) for run, _ in runs]
        for run, configuration in runs:
            if run.begun and not options.overwrite:
                run.check_same(configuration, data)
        names = [options.name or file.stem for file, _ in systems]
        jobs = [
            Job(name, run, OmegaConf.select(configuration, "optimization.max_update"), lock)
            for name, (run, configuration), lock in zip(names, runs, held, strict=True)
            if _begin(name, run, configuration, data, options, machine)
        ]
        if jobs:
            side_by_side, threads = _share_machine(len(jobs), options.jobs, machine)
            run_jobs(jobs, side_by_side, threads)


def _configuration(file: Path, data: Path, options: TrainOptions) -> DictConfig:
    return run_configuration(file, data, options.seed, options.updates, options.overrides)


def _check_tensorboard(configuration: DictConfig) -> None:
    """fairseq says in its log only that there is nothing to write with."""
    asked = OmegaConf.select(configuration, "common.tensorboard_logdir")
    if asked and not any(importlib.util.find_spec(name) for name in ("tensorboard", "tensorboardX")):
        raise UserError("`common.tensorboard_logdir` needs tensorboardX, which is not installed.")


def _begin(
    system: str, run: RunFolder, configuration: DictConfig, data: Path, options: TrainOptions, machine: Machine
) -> bool:
    """Make the folder ready for a training that begins or goes on; False where nothing is left to do."""
    if options.overwrite or not run.begun:  # a first command that came to nothing binds nobody
        run.clear()
    recover_checkpoints(run.checkpoints)
    if run.finished:
        log_line(f"{run.path} is trained already.")
        return False
    if run.exists and nothing_left_to_do(run.checkpoints, configuration):
        run.finish(None)
        log_line(f"{run.path} was trained to its end before.")
        return False
    if run.exists:
        log_line(f"{run.path} goes on where it stopped.")
    run.begin(
        system, configuration, adapt_to_hardware(configuration, machine), [Path(sys.argv[0]).name, *sys.argv[1:]], data
    )
    return True


def _share_machine(jobs: int, wanted: int | None, machine: Machine) -> tuple[int, int]:
    """(trainings side by side, threads for each)."""
    side_by_side = wanted if wanted is not None else (1 if machine.gpus > 0 else min(jobs, cores()))
    return side_by_side, max(1, cores() // (min(side_by_side, jobs) * machine.local))
