"""Running cells side by side: each command is a process of `sse-nmt`, so that what goes wrong in one stays there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from sse_nmt.studies.cells import Cell, Command, data_of, prepare_command
from sse_nmt.studies.specification import LOGS, CorpusOfStudy
from sse_nmt.system.child_processes import last_line, start_child
from sse_nmt.system.errors import UserError
from sse_nmt.system.machine import cores
from sse_nmt.system.progress import duration, log_line

_LOOK_INTERVAL = 0.2  # seconds
_OURS = "sse-nmt: "  # before a command's own sentence


@dataclass
class Work:
    """Commands one after the other; ``needs`` must have gone well before."""

    name: str
    log: Path
    commands: list[Command]
    needs: Work | None = None
    failure: str | None = None
    finished: bool = False
    seconds: float = field(default=0.0)


def run_cells(cells: Sequence[Cell], folder: Path, jobs: int | None) -> None:
    """Prepare the corpora and run all cells that are not done, several at a time. What fails stops nothing else.

    Raises:
        UserError: cells failed; each is named with why.
    """
    left = [cell for cell in cells if cell.state != "done"]
    log_line(f"{len(cells)} cells, {len(cells) - len(left)} of them done before.")
    preparing = _preparing(left, folder)
    training = [Work(cell.name, cell.log, cell.commands(), preparing.get(cell.corpus.name)) for cell in left]
    _run([*preparing.values(), *training], folder, jobs)


def prepare_corpora(cells: Sequence[Cell], folder: Path, jobs: int | None) -> None:
    """Those of the cells, where they are not there yet. Raises UserError, as `run_cells` does."""
    _run(list(_preparing(cells, folder).values()), folder, jobs)


def _preparing(cells: Sequence[Cell], folder: Path) -> dict[str, Work]:
    corpora: dict[str, CorpusOfStudy] = {cell.corpus.name: cell.corpus for cell in cells}
    return {
        name: Work(f"data of {name}", folder / LOGS / f"{name}.log", [prepare_command(folder, corpus)])
        for name, corpus in corpora.items()
        if not (data_of(folder, corpus) / "manifest.json").is_file()
    }


def _run(work: Sequence[Work], folder: Path, jobs: int | None) -> None:
    if not work:
        return
    (folder / LOGS).mkdir(parents=True, exist_ok=True)
    _Pool(work, _slots(jobs, len(work))).run()
    failed = [each for each in work if each.failure is not None]
    if failed:
        listed = "".join(f"\n  {each.name}: {each.failure}" for each in failed)
        raise UserError(f"{len(failed)} of {len(work)} steps failed; started again, the study goes on:{listed}")


@dataclass(frozen=True)
class Slot:
    """A part of the machine that one piece of work has to itself."""

    processors: frozenset[int]
    environment: Mapping[str, str]


def _slots(jobs: int | None, most: int) -> list[Slot]:
    gpus = torch.cuda.device_count()
    count = min(most, jobs if jobs is not None else (gpus or cores()))
    ours = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    each = max(1, len(ours) // count)
    slots = []
    for number in range(count):
        mine = [ours[(number * each + i) % len(ours)] for i in range(each)] if ours else []
        devices = {"CUDA_VISIBLE_DEVICES": _device(number % gpus)} if gpus else {}
        slots.append(Slot(frozenset(mine), devices))
    return slots


def _device(number: int) -> str:
    """The number that a GPU of ours has outside."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return seen.split(",")[number] if seen else str(number)


class _Pool:
    def __init__(self, work: Sequence[Work], slots: Sequence[Slot]) -> None:
        self._work, self._waiting, self._free = work, list(work), list(slots)
        self._running: list[_Running] = []
        self._start = time.monotonic()

    def run(self) -> None:
        try:
            while self._waiting or self._running:
                self._fill()
                time.sleep(_LOOK_INTERVAL)
                for each in [each for each in self._running if each.ended()]:
                    self._running.remove(each)
                    self._free.append(each.slot)
                    self._say(each.work)
        finally:
            for each in self._running:
                each.stop()

    def _fill(self) -> None:
        for work in list(self._waiting):
            if work.needs is not None and work.needs.failure is not None:
                work.failure = f"{work.needs.name} failed"
                self._waiting.remove(work)
            elif self._free and (work.needs is None or work.needs.finished):
                self._waiting.remove(work)
                self._running.append(_Running(work, self._free.pop(0)))

    def _say(self, work: Work) -> None:
        done = [each for each in self._work if each.finished]
        how = f"failed: {work.failure}" if work.failure is not None else f"done in {duration(work.seconds)}"
        left = len(self._waiting) + len(self._running)
        when = ""
        if left and done:
            width = len(self._running) + len(self._free)
            more = sum(each.seconds for each in done) / len(done) * left / width
            when = f"; ends about {time.strftime('%a %H:%M', time.localtime(time.time() + more))}"
        log_line(
            f"{work.name} {how}. {len(done)} done, {len(self._running)} running, {len(self._waiting)} waiting{when}."
        )


class _Running:
    """A piece of work that is under way in its slot."""

    def __init__(self, work: Work, slot: Slot) -> None:
        self.work, self.slot = work, slot
        self._left = list(work.commands)
        self._start = time.monotonic()
        self._log = work.log.open("a", encoding="utf-8")
        self._begin()

    def ended(self) -> bool:
        status = self._process.poll()
        if status is None:
            return False
        if status == 0 and self._left:
            self._begin()
            return False
        self.work.seconds = time.monotonic() - self._start
        self._log.close()
        if status == 0:
            self.work.finished = True
        else:
            said = self.work.log.read_text(encoding="utf-8", errors="replace")[self._said :]
            self.work.failure = last_line(said).removeprefix(_OURS) + f" ({self.work.log})"
        return True

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._log.close()

    def _begin(self) -> None:
        words = self._left.pop(0)
        self._log.write(f"$ sse-nmt {' '.join(words)}\n")
        self._log.flush()
        self._said = self._log.tell()
        self._process: subprocess.Popen[str] = start_child(
            [sys.executable, "-m", "sse_nmt", *words],
            environment=self.slot.environment,
            processors=self.slot.processors,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
