"""Pieces of work side by side, with commands that take no time."""

from __future__ import annotations

import fcntl
import re
import shutil
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from sse_nmt.studies import run
from sse_nmt.studies.preparations import Preparation
from sse_nmt.studies.work import Work, why_failed
from sse_nmt.system.errors import UserError

QUICK = ["--version"]


@pytest.mark.parametrize("there", [True, False], ids=["made", "given up"])
def test_what_another_study_makes_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str], there: bool):
    """And made here if it is not there afterwards; what needs it comes after it."""
    text = Work("data of x", tmp_path / "logs/x.log", [QUICK], makes=cast(Preparation, SimpleNamespace(done=there)))
    cell = Work("x/a/1", tmp_path / "logs/x.a.1.log", [QUICK], needs=[text])
    text.log.parent.mkdir()
    with open(text.log, "a") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        studying = threading.Thread(target=run._run, args=([text, cell], tmp_path, 2))
        studying.start()
        said = ""
        while "waiting" not in said:
            time.sleep(0.1)
            said += capsys.readouterr().err
            assert studying.is_alive()
        assert not text.finished and not cell.log.exists()
    studying.join(60)
    assert text.finished and cell.finished and text.failure is None
    assert text.log.read_text().count("--version") == (0 if there else 1)
    said += capsys.readouterr().err
    assert "data of x is made by another study at the moment: waiting for it.\n" in said
    assert re.search(r"^data of x done in .*\n(.*\n)*x/a/1 done in ", said, re.MULTILINE)


def test_a_full_disk_is_named_where_a_command_could_say_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log = tmp_path / "x.log"
    log.write_text("$ sse-nmt train x\n  sse_se: update 50 of 100, loss 3.0\n")
    assert why_failed(1, log) == f"sse_se: update 50 of 100, loss 3.0 ({log})"
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=4096))
    assert why_failed(1, log) == f"no space is left on the disk of {log}"


def test_a_cell_that_another_study_trains_is_left_to_it(tmp_path: Path):
    (tmp_path / "logs").mkdir()
    cells = [Work(f"x/a/{seed}", tmp_path / f"logs/{seed}.log", [QUICK]) for seed in (1, 2)]
    with open(cells[0].log, "a") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="x/a/1: another study does this at the moment: wait for it or stop it"):
            run._run(cells, tmp_path, 1)
    assert cells[1].finished and not cells[0].finished
