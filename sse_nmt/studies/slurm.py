"""Cells as jobs of Slurm, through submitit: an array, each job put back in the queue at its time limit.

A training goes on from its last checkpoint, bit for bit, so that a cell may take many jobs' time. Jobs stay when this
process ends; started again it waits for them.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sse_nmt.studies.cells import Cell
from sse_nmt.studies.preparations import Command
from sse_nmt.studies.slurm_settings import CLUSTERS, TIMEOUTS, SlurmSettings
from sse_nmt.studies.work import Progress, Work, check_none_failed, start_commands, why_failed
from sse_nmt.system.atomic_files import write_json
from sse_nmt.system.child_processes import last_line
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import log_line
from sse_nmt.system.records import read_record

FOLDER = "slurm"  # of the study: what submitit writes, and which cell is which job
_LOOK_INTERVAL = 2.0  # seconds


class CellJob:
    """What a job does: the commands of a cell, one after the other. It is pickled, and run on another machine."""

    def __init__(self, commands: Sequence[Command], log: Path) -> None:
        self.commands, self.log = commands, log

    def __call__(self) -> str | None:
        """Why it failed, if it did."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "a", encoding="utf-8") as log:
            status = _start(self.commands, log).wait()
        return None if status == 0 else why_failed(status, self.log)

    def checkpoint(self) -> Any:
        """Asked by submitit at the time limit: the same again."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)


def _start(commands: Sequence[Command], log: Any) -> subprocess.Popen[str]:
    """The signal of the time limit goes to all processes of a job, and would end them: it is this one's alone."""
    ours = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    try:
        return start_commands(commands, log)
    finally:
        signal.signal(signal.SIGUSR2, ours)


def run_on_slurm(cells: Sequence[Cell], folder: Path, settings: SlurmSettings) -> None:
    """Submit all cells that are not done, and wait for them; their corpora must be prepared.

    Raises:
        UserError: submitit is not installed, or does not find Slurm; cells failed, each named with why.
    """
    executor = _executor(folder / FOLDER, settings)
    left = [cell for cell in cells if cell.state != "done"]
    log_line(f"{len(cells)} cells, {len(cells) - len(left)} of them done before.")
    if not left:
        return
    jobs = _running_jobs(executor, folder / FOLDER, left)
    if jobs:
        log_line(f"{len(jobs)} jobs were submitted before.")
    jobs |= _submit(executor, [cell for cell in left if cell.name not in jobs])
    write_json(folder / FOLDER / "jobs.json", {name: job.job_id for name, job in jobs.items()})
    log_line(f"{len(jobs)} jobs; they stay when this command ends, and it waits for them when started again.")
    _wait([Work(cell.name, cell.log, []) for cell in left], jobs)


def _executor(folder: Path, settings: SlurmSettings) -> Any:
    try:
        import submitit
    except ImportError:
        raise UserError("`--slurm` needs submitit, which is not installed: `pip install 'sse_nmt[slurm]'`.") from None
    from sse_nmt.studies.slurm_queue import QueueWatcher, keeps_accounts

    logging.getLogger("submitit").setLevel(logging.ERROR)  # after its import, which sets it
    try:
        timeouts = {f"{name}_max_num_timeout": TIMEOUTS for name in CLUSTERS}
        executor = submitit.AutoExecutor(folder=folder / "%j", cluster=settings.cluster, **timeouts)
        executor.update_parameters(**settings.parameters())
    except (RuntimeError, ValueError, NameError, TypeError) as error:
        raise UserError(f"Jobs cannot be submitted: {' '.join(str(error).split())}") from error
    if executor.cluster == "slurm" and not keeps_accounts():
        executor._executor.job_class.watcher = QueueWatcher()
    return executor


def _submit(executor: Any, cells: Sequence[Cell]) -> dict[str, Any]:
    if not cells:
        return {}
    jobs = {}
    try:
        with executor.batch():
            for cell in cells:
                jobs[cell.name] = executor.submit(CellJob(cell.commands(), cell.log))
    except Exception as error:  # submitit's own, of what sbatch said
        raise UserError(f"Jobs cannot be submitted: {last_line(str(error))}") from error
    return jobs


def _running_jobs(executor: Any, folder: Path, cells: Sequence[Cell]) -> dict[str, Any]:
    """Those submitted before that have not ended."""
    record = folder / "jobs.json"
    known = read_record(record, dict[str, str]) if record.is_file() else {}
    kind = executor._executor.job_class
    found = {cell.name: kind(folder / "%j", known[cell.name]) for cell in cells if cell.name in known}
    return {name: job for name, job in found.items() if job.state in ("PENDING", "RUNNING", "REQUEUED", "SUSPENDED")}


def _wait(work: Sequence[Work], jobs: dict[str, Any]) -> None:
    start, progress = time.monotonic(), Progress(work, len(work))
    waiting = list(work)
    while waiting:
        for each in [each for each in waiting if jobs[each.name].done()]:
            waiting.remove(each)
            each.seconds = time.monotonic() - start
            each.failure = _failure(jobs[each.name])
            each.finished = each.failure is None
            progress.say(each, running=len(waiting), waiting=0)
        time.sleep(_LOOK_INTERVAL if waiting else 0)
    check_none_failed(work)


def _failure(job: Any) -> str | None:
    """What the cell said, or, of a job that ended otherwise, Slurm."""
    error = job.exception()
    if error is None:
        failure: str | None = job.result()
        return failure
    return f"job {job.job_id} ended with state {job.state}: {' '.join(str(error).split())[:200]}"
