"""Running cells side by side: each is a process of its own, so that what goes wrong in one stays there."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from sse_nmt.studies.cells import Cell
from sse_nmt.studies.changed_cells import why_refused
from sse_nmt.studies.preparations import Preparation
from sse_nmt.studies.slots import Slot, slots
from sse_nmt.studies.study import LOGS
from sse_nmt.studies.work import Progress, Work, check_none_failed, start_commands, why_failed
from sse_nmt.system.errors import UserError
from sse_nmt.system.locks import UNDER_WAY, is_locked
from sse_nmt.system.progress import log_line

_LOOK_INTERVAL, _PATIENCE = 0.2, 10.0  # seconds


def run_cells(cells: Sequence[Cell], folder: Path, jobs: int | None) -> None:
    """Prepare the corpora and run all cells that are not done, several at a time. What fails stops nothing else.

    Raises:
        UserError: cells failed; each is named with why.
    """
    left = [cell for cell in cells if cell.state != "done"]
    log_line(f"{len(cells)} cells, {len(cells) - len(left)} of them done before.")
    refused = {cell.name: Work(cell.name, cell.log, [], failure=why) for cell in cells if (why := _why_refused(cell))}
    left = [cell for cell in left if cell.name not in refused]
    preparing = _preparing(left, folder)
    training = [Work(cell.name, cell.log, cell.commands(), _those(preparing, cell.preparations)) for cell in left]
    _run([*preparing.values(), *training], folder, jobs, list(refused.values()))


def _why_refused(cell: Cell) -> str | None:
    try:
        return why_refused(cell)
    except UserError as error:  # a file of its that cannot be read
        return str(error).rstrip(".")


def prepare_corpora(cells: Sequence[Cell], folder: Path, jobs: int | None) -> None:
    """Those of the cells, where they are not there yet. Raises UserError, as `run_cells` does."""
    _run(list(_preparing(cells, folder).values()), folder, jobs)


def _preparing(cells: Sequence[Cell], folder: Path) -> dict[str, Work]:
    wanted = {each.name: each for cell in cells for each in cell.preparations}
    work: dict[str, Work] = {}
    for name, each in wanted.items():
        if not each.done:
            log = folder / LOGS / f"{name.replace(', ', '.')}.log"
            work[name] = Work(each.title, log, [each.command], _those(work, each.needs), each)
    return work


def _those(work: Mapping[str, Work], preparations: Sequence[Preparation]) -> list[Work]:
    """What is still to be done of them."""
    return [work[each.name] for each in preparations if each.name in work]


def _run(work: Sequence[Work], folder: Path, jobs: int | None, failed: Sequence[Work] = ()) -> None:
    """``failed``: what is not even tried, and named at the end."""
    if work:
        (folder / LOGS).mkdir(parents=True, exist_ok=True)
        _Pool(work, slots(jobs, len(work))).run()
    check_none_failed([*failed, *work])


class _Pool:
    def __init__(self, work: Sequence[Work], free: Sequence[Slot]) -> None:
        self._work, self._waiting, self._free = work, list(work), list(free)
        self._running: list[_Running] = []
        self._elsewhere: list[Work] = []  # under way in another study
        self._progress = Progress(work, len(free))

    def run(self) -> None:
        try:
            while self._waiting or self._running or self._elsewhere:
                self._look_elsewhere()
                self._fill()
                time.sleep(_LOOK_INTERVAL)
                for each in [each for each in self._running if each.ended()]:
                    self._running.remove(each)
                    self._free.append(each.slot)
                    if each.elsewhere:
                        log_line(f"{each.work.name} is made by another study at the moment: waiting for it.")
                        self._elsewhere.append(each.work)
                    else:
                        self._say(each.work)
        finally:
            _stop(self._running)

    def _look_elsewhere(self) -> None:
        """What another study has made is done; what it gave up is ours to make."""
        for work in list(self._elsewhere):
            if not is_locked(work.log):
                self._elsewhere.remove(work)
                if work.makes is not None and work.makes.done:
                    work.finished = True
                    self._say(work)
                else:
                    self._waiting.insert(0, work)

    def _say(self, work: Work) -> None:
        self._progress.say(work, len(self._running), len(self._waiting))

    def _fill(self) -> None:
        for work in list(self._waiting):
            failed = [each for each in work.needs if each.failure is not None]
            if failed:
                work.failure = f"{failed[0].name} failed"
                self._waiting.remove(work)
            elif self._free and all(each.finished for each in work.needs):
                self._waiting.remove(work)
                self._running.append(_Running(work, self._free.pop(0)))


def _stop(running: Sequence[_Running]) -> None:
    for each in running:
        each.terminate()
    end = time.monotonic() + _PATIENCE
    for each in running:
        each.wait(max(0.0, end - time.monotonic()))


class _Running:
    """A piece of work that is under way in its slot."""

    def __init__(self, work: Work, slot: Slot) -> None:
        self.work, self.slot = work, slot
        self.elsewhere = False  # it was found that another study makes it
        self._start = time.monotonic()
        self._log = work.log.open("a", encoding="utf-8")
        self._process = start_commands(
            work.commands, self._log, environment=slot.environment, processors=slot.processors
        )

    def ended(self) -> bool:
        status = self._process.poll()
        if status is None:
            return False
        self.work.seconds = time.monotonic() - self._start
        self._log.close()
        self.elsewhere = status == UNDER_WAY and self.work.makes is not None
        if status == 0:
            self.work.finished = True
        elif not self.elsewhere:
            self.work.failure = why_failed(status, self.work.log)
        return True

    def terminate(self) -> None:
        self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Until it has ended; after so many seconds it has to."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:  # in the middle of a long call of a library, say, which hears no signal
            self._process.kill()
            self._process.wait()
        self._log.close()
