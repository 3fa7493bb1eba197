"""Two of everything at once in one folder: both end in order, and what is there is what one of them leaves."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from forked import forked, run_forked
from robustness.commands import NAMES, commands, contents, fresh
from robustness.table import add_row

_FEW, _MANY = 1, 20
_REFUSED = ("is in use by another", "another study does this at the moment", "was killed")


def started(work: Callable[[], None], log: Path, wait: float) -> int:
    def later() -> None:
        time.sleep(wait)
        work()

    return forked(later, log)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", NAMES)
def test_both_end_and_nothing_is_lost(toy_data, toy_runs, toy_options, tmp_path, long, name):
    if name == "study" and not long:
        pytest.skip("its cells train anew each time; tests/studies have its own")
    command = commands(toy_data, toy_runs, toy_options, tmp_path)[name]
    logs = [tmp_path / "log.1", tmp_path / "log.2"]
    folder = fresh(command, tmp_path)
    run_forked(lambda: command.work(folder), logs[0])
    whole, dice, refused = contents(folder.parent, command.lasting), random.Random(1), 0
    rounds = _MANY if long else _FEW
    for _ in range(rounds):
        folder = fresh(command, tmp_path)
        waits = (0, dice.random() / 2)
        children = [
            started(lambda folder=folder: command.work(folder), log, wait)
            for log, wait in zip(logs, waits, strict=True)
        ]
        for child, log in zip(children, logs, strict=True):
            status, said = os.waitpid(child, 0)[1], log.read_text(encoding="utf-8")
            assert status == 0 or any(sentence in said for sentence in _REFUSED) and "Traceback" not in said, said
            refused += status != 0
        again = contents(folder.parent, command.lasting)
        assert {file for file in whole if whole[file] != again.get(file)} == set() and again.keys() == whole.keys()
    add_row(f"two at once: {name}", 2 * rounds, refused, 2 * rounds - refused, 0, "")
