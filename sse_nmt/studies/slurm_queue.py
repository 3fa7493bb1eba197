"""Slurm without accounts: what became of jobs is asked of its queue. Imports submitit, an extra."""

from __future__ import annotations

import subprocess

from submitit.slurm.slurm import SlurmInfoWatcher

_KNOWN = ("PENDING", "RUNNING", "COMPLETING", "PREEMPTED")  # to submitit; other states of the queue are new to it
_DELAY = 60  # seconds between two looks, at most


def keeps_accounts() -> bool:
    """Whether `sacct`, which submitit asks, has an answer."""
    try:
        return subprocess.run(["sacct", "--noheader"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


class QueueWatcher(SlurmInfoWatcher):
    """A job that is not in the queue has ended; submitit itself would wait for its result for ever."""

    def __init__(self) -> None:
        super().__init__(delay_s=_DELAY)

    def _make_command(self) -> list[str] | None:
        if not self._registered - self._finished:
            return None
        return ["squeue", "--me", "--noheader", "--array", "--format", "%i|%T"]

    def read_info(self, string: bytes | str) -> dict[str, dict[str, str]]:
        """What the command said -> of each job that has not ended so far its number and state."""
        lines = (string.decode() if isinstance(string, bytes) else string).split()
        listed = (line.split("|") for line in lines)
        queue = {job: state if state in _KNOWN else "RUNNING" for job, state in listed}
        waiting = self._registered - self._finished
        return {job: {"JobID": job, "State": queue.get(job, "ENDED")} for job in waiting}
