"""Variants, each a process of its own, that take turns at the same batches."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sse_nmt.bench.step_server import StepSpec
from sse_nmt.bench.timing import Spread, interleave
from sse_nmt.system.child_processes import last_line, start_child
from sse_nmt.system.errors import UserError
from sse_nmt.system.progress import bar


@dataclass(frozen=True)
class Command:
    """How a variant is started: ``python -m sse_nmt.bench.<module> SPEC [variant]``."""

    python: str
    module: str
    variant: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurements:
    """What one variant did: seconds of each round, on batches that all had in the same order."""

    version: str
    parameters: int
    seconds: list[float]
    losses: list[float]
    peak: int  # bytes that the process had resident at most

    def rate(self, tokens: Sequence[int]) -> float:
        """Tokens per second, in the median over rounds."""
        return statistics.median(count / second for count, second in zip(tokens, self.seconds, strict=True))

    def speed_up(self, other: Measurements) -> Spread:
        """How many times as fast as the other, round by round."""
        return Spread.of([b / a for a, b in zip(self.seconds, other.seconds, strict=True)])


def run_benchmark(
    commands: Mapping[str, Command], spec: StepSpec, batches: int, rounds: int, title: str, starts: int = 1
) -> dict[str, Measurements]:
    """Start every command, warm each up on two steps, and let them take turns.

    ``starts``: how often all begin anew, each time for a share of the rounds: which memory a process gives back and
    fetches again at every step is chance, from its start on.

    Raises:
        UserError: a variant ended before its steps did, with its own last words.
    """
    answers: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    for start in range(starts):
        share = range(rounds * start // starts, rounds * (start + 1) // starts)
        with contextlib.ExitStack() as stack:
            runners = {name: stack.enter_context(_started(name, command, spec)) for name, command in commands.items()}
            for runner in runners.values():
                runner.wait_until_ready()
                for number in range(min(2, batches)):
                    runner.step(number)
            for number in bar(share, title, "round"):
                for name in interleave(list(runners), number):
                    answers[name].append(runners[name].step(number % batches))
    return {name: _measured(runner.ready, answers[name]) for name, runner in runners.items()}


def _measured(ready: Mapping[str, Any], answers: Sequence[Mapping[str, float]]) -> Measurements:
    return Measurements(
        version=f"{ready['version']}, torch {ready['torch']}",
        parameters=int(ready["parameters"]),
        seconds=[answer["seconds"] for answer in answers],
        losses=[answer["loss"] for answer in answers],
        peak=int(max(answer["peak"] for answer in answers)),
    )


def own(module: str, variant: str, environment: Mapping[str, str] | None = None) -> Command:
    """A variant that this environment can run."""
    return Command(sys.executable, module, variant, environment or {})


class _Runner:
    def __init__(self, name: str, process: subprocess.Popen[str], log: Path) -> None:
        self._name, self._process, self._log = name, process, log
        self.ready: dict[str, Any] = {}

    def wait_until_ready(self) -> None:
        self.ready = self._answer()

    def step(self, number: int) -> dict[str, float]:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # said better by the missing answer
            self._process.stdin.write(f"{number}\n")
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        self._process.wait()
        said = last_line(self._log.read_text(encoding="utf-8", errors="replace"))
        raise UserError(f"{self._name} ended with status {self._process.returncode} before its steps did: {said}")


@contextlib.contextmanager
def _started(name: str, command: Command, spec: StepSpec) -> Iterator[_Runner]:
    variant = [] if command.variant is None else [command.variant]
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(Path(__file__).absolute().parent.parent, Path(folder, "sse_nmt"))
        log = Path(folder, "log")
        with log.open("w", encoding="utf-8") as errors:
            process = start_child(
                [command.python, "-m", f"sse_nmt.bench.{command.module}", json.dumps(asdict(spec)), *variant],
                Path(folder),
                {**command.environment, "PYTHONPATH": _python_path(command.python, folder)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        try:
            yield _Runner(name, process, log)
        finally:
            process.kill()
            process.communicate()


def _python_path(python: str, folder: str) -> str:
    """Other environments see this package, and nothing else of ours."""
    rest = os.environ.get("PYTHONPATH")
    return f"{folder}{os.pathsep}{rest}" if rest and python == sys.executable else folder
