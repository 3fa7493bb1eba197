"""Running fairseq-hydra-train on run folders, side by side, with progress."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from sse_nmt.runs.paths import CONFIGURATION, RunPaths
from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.runs.training_log import parse
from sse_nmt.system.child_processes import Failure, start_child
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import log_line, on_terminal

_PLAIN_INTERVAL = 20.0  # seconds between the lines of a training in a log


@dataclass
class Job:
    name: str
    run: RunFolder
    updates: int | None  # None: until fairseq ends by itself
    lock: int  # file descriptor


def run_jobs(jobs: list[Job], side_by_side: int, threads: int) -> None:
    """Train all jobs, at most ``side_by_side`` at a time with ``threads`` threads each.

    Raises:
        UserError: a training failed; the others are stopped, and go on when started again.
    """
    waiting = list(enumerate(jobs))
    running: list[_Training] = []
    try:
        while waiting or running:
            while waiting and len(running) < side_by_side:
                position, job = waiting.pop(0)
                running.append(_Training(job, threads, position))
            time.sleep(0.1)
            for training in [training for training in running if training.ended()]:
                running.remove(training)
                training.close()
    finally:
        for training in running:
            training.stop()


class _Training:
    """One fairseq process, with a thread that reads what it prints."""

    def __init__(self, job: Job, threads: int, position: int) -> None:
        self._job = job
        self._start = time.monotonic()
        self._log: TextIO = open(job.run.log, "a", encoding="utf-8")
        self._bar = tqdm(
            total=job.updates,
            desc=f"  {job.name}",
            unit=" updates",
            position=position,
            leave=True,
            disable=not on_terminal(),
        )
        self._of_all = f" of {job.updates:,}" if job.updates is not None else ""
        self._why = Failure()
        self._last_said = 0.0
        self._failure: Exception | None = None
        self._process = start_child(
            training_command(),
            job.run.path,
            _environment(threads),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[job.lock],
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ended(self) -> bool:
        return self._process.poll() is not None

    def close(self) -> None:
        """Finish the run folder, or say why the training failed."""
        self._release()
        if self._failure is not None or self._process.returncode != 0:
            self._job.run.end("failed")
        if self._failure is not None:
            raise UserError(
                f"The log {self._job.run.log} cannot be kept, so the training was stopped: {self._failure}."
            )
        if self._process.returncode != 0:
            raise UserError(
                f"The training of {self._job.name} failed with status {self._process.returncode}: "
                f"{self._why} (see {self._job.run.log})"
            )
        self._job.run.finish(time.monotonic() - self._start)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._release()
        self._job.run.end("interrupted")

    def _release(self) -> None:
        self._reader.join()
        with contextlib.suppress(OSError):  # what a full disk refused before, it refuses again
            self._log.close()
        self._bar.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:  # to its end, come what may: a full pipe would stop the trainer for ever
            if self._failure is None:
                try:
                    self._keep(line)
                except (OSError, ValueError) as error:
                    self._failure = error
                    self._process.terminate()

    def _keep(self, line: str) -> None:
        self._log.write(line)
        self._log.flush()
        self._why.read(line)
        self._show(line)

    def _show(self, line: str) -> None:
        record = parse(line)
        if record is None or "num_updates" not in record.values:
            return
        update, loss = int(record.values["num_updates"]), record.values.get("loss")
        self._bar.n = update
        self._bar.set_postfix_str(f"loss {loss}")
        if not on_terminal() and (record.kind == "valid" or time.monotonic() - self._last_said > _PLAIN_INTERVAL):
            self._last_said = time.monotonic()
            what = "validation loss" if record.kind == "valid" else "loss"
            log_line(f"  {self._job.name}: update {update:,}{self._of_all}, {what} {loss}")


def train_worker(run: RunFolder, configuration: DictConfig, rank: int, threads: int) -> None:
    """Be one of several processes that train in ``run``, not the one that keeps it."""
    run.path.mkdir(parents=True, exist_ok=True)
    log = run.rank_log(rank)
    with tempfile.TemporaryDirectory() as folder, open(log, "a", encoding="utf-8") as file:
        begin = file.tell()  # what earlier starts left there is none of this one's
        RunPaths(Path(folder)).configuration.write_text(OmegaConf.to_yaml(configuration), encoding="utf-8")
        status = start_child(
            training_command(folder), run.path, _environment(threads), stdout=file, stderr=subprocess.STDOUT
        ).wait()
    if status != 0:
        why = Failure()
        for line in log.read_bytes()[begin:].decode(errors="replace").splitlines():
            why.read(line)
        raise UserError(f"The training of rank {rank} failed with status {status}: {why} (see {log}).")


def training_command(configuration: str = ".") -> list[str]:
    """What trains in a run folder, started there."""
    return [
        sys.executable, "-u", "-m", "sse_nmt.adapters.training_process", "--config-dir", configuration, "--config-name",
        CONFIGURATION, "hydra/job_logging=none", "hydra/hydra_logging=none",
    ]  # fmt: skip


def _environment(threads: int) -> dict[str, str]:
    return {"OMP_NUM_THREADS": str(threads), "HYDRA_FULL_ERROR": "1"}
