"""A power cut before what a command does to files: done again, it ends as if nothing had been.

Two moments of each command; `--long` takes up to 130 and prints the table of docs/results/robustness.md.
"""

from __future__ import annotations

import random

import pytest
from robustness.commands import NAMES, commands, contents, fresh
from robustness.power_cuts import cut_off, events_of
from robustness.table import add_row

_FEW, _MANY = 2, 130


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", NAMES)
def test_done_again_it_ends_the_same(toy_data, toy_runs, toy_options, tmp_path, long, name):
    if name == "study" and not long:
        pytest.skip("its cells train anew each time; tests/studies have its own")
    command, log = commands(toy_data, toy_runs, toy_options, tmp_path)[name], tmp_path / "log"
    folder = fresh(command, tmp_path)
    count = events_of(lambda: command.work(folder), log)
    whole = contents(folder.parent, command.lasting)
    assert count > 3 and whole
    events = sorted(random.Random(1).sample(range(1, count + 1), min(_MANY if long else _FEW, count)))
    cuts = 0
    for event in events:
        folder = fresh(command, tmp_path)
        cuts += cut_off(lambda folder=folder: command.work(folder), log, event)
        left = log.read_text(encoding="utf-8", errors="replace")
        assert "Traceback" not in left, left
        events_of(lambda folder=folder: command.work(folder), log)
        again = contents(folder.parent, command.lasting)
        assert again.keys() == whole.keys(), (event, again.keys() ^ whole.keys())
        different = [file for file in whole if whole[file] != again[file]]
        assert not different, (event, different)
    assert cuts >= len(events) * 0.8  # the number of events of worker processes is not always the same
    add_row(f"power cuts: {name}, {count} moments", cuts, 0, cuts, 0, "")
