"""Work in a process of its own that kills itself at a chosen moment, as a power cut or an impatient user would."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from forked import forked

from sse_nmt.corpora.pipeline.steps import Steps

_SECONDS = 20  # in which the processes of one that was killed must be gone


def killed_in(step: str, moment: str, work: Callable[[], None], log: Path) -> int:
    """Do ``work`` in a child, whose standard error goes to ``log`` and which is killed in a step of `Steps`.

    ``moment``: "amid its work", when the first of its files is complete, "before its output" is there under its name,
    or "before its record" is written. Returns how many other processes the child had then; they are gone now.
    """
    children = log.with_name("children")
    children.unlink(missing_ok=True)

    def armed() -> None:
        os.setsid()  # by which all that descend from it are known, even when it is gone
        _arm(step, moment, children)
        work()

    child = forked(armed, log)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, log.read_text(encoding="utf-8")
    end = time.monotonic() + _SECONDS
    while (alive := _of_session(child)) and time.monotonic() < end:
        time.sleep(0.01)
    for process in alive:  # not to outlive the test as well
        os.kill(process, signal.SIGKILL)
    assert not alive, f"{alive} were still there {_SECONDS} s after the end of {child}"
    return int(children.read_text())


def _arm(step: str, moment: str, children: Path) -> None:
    """Put the end into `Steps` and `os.replace`; no process but this one is touched."""

    def end() -> None:
        children.write_text(str(len(_of_session(os.getpid())) - 1))
        os.kill(os.getpid(), signal.SIGKILL)

    run, replace = Steps.run, os.replace
    running: list[Path] = []  # the outputs of the step, and the folders that they are in

    def run_and_end(
        self: Steps,
        name: str,
        title: str,
        work: Callable[[], Any],
        inputs: Sequence[Path] = (),
        outputs: Sequence[Path] = (),
        **rest: Any,
    ) -> Any:
        def work_and_end() -> None:
            if name == step:
                running.extend(each for path in outputs for each in (path, *path.parents))
            result = work()
            if name == step and moment == "before its record":
                end()
            return result

        return run(self, name, title, work_and_end, inputs, outputs, **rest)

    def end_or_replace(source: Any, destination: Any) -> None:
        if running and (moment == "amid its work" or (moment == "before its output" and Path(destination) in running)):
            end()
        replace(source, destination)

    Steps.run = run_and_end  # type: ignore[method-assign]
    os.replace = end_or_replace  # type: ignore[assignment]


def _of_session(session: int) -> list[int]:
    """The living processes of a session, as Linux lists them (proc(5))."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = _read(path).rpartition(b")")[2].split()
        if fields and fields[0] not in (b"Z", b"X") and int(fields[3]) == session:
            found.append(int(path.parent.name))
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""
