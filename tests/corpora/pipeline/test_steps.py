"""A step is done once, and again when anything that it depends on is not as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import read_json

from sse_nmt.corpora.pipeline.steps import Steps


class Copying:
    """A step that copies ``input`` to ``output``; the steps of a second start are those of a new object."""

    def __init__(self, folder: Path) -> None:
        self.input, self.output, self.stale = folder / "input", folder / "output", folder / "stale"
        self.folder, self.times, self.fails = folder, 0, False
        self.input.write_text("text")

    def run(self, **settings: object) -> object:
        paths = {"inputs": [self.input], "outputs": [self.output], "stale": [self.stale]}
        return Steps(self.folder).run("copy", "Copying", self._work, **paths, **settings)

    def _work(self) -> dict[str, int]:
        self.times += 1
        if self.fails:
            raise KeyboardInterrupt
        self.output.write_text(self.input.read_text())
        return {"letters": len(self.input.read_text())}


@pytest.fixture
def copying(tmp_path: Path) -> Copying:
    return Copying(tmp_path)


def test_done_once(copying, capsys):
    assert copying.run(seed=0) == {"letters": 4}
    copying.stale.touch()
    assert copying.run(seed=0) == {"letters": 4} and copying.times == 1
    assert copying.stale.exists()
    assert capsys.readouterr().err == "Copying …\n  done in 0.0 s\nCopying: done before, in 0.0 s.\n"


@pytest.mark.parametrize("change", ["input", "time of the input", "output", "no output", "setting", "record"])
def test_done_again(copying, change):
    copying.run(seed=0)
    copying.stale.touch()
    if change in ("input", "output"):
        getattr(copying, change).write_text("other text")
    elif change == "time of the input":
        os.utime(copying.input, (1, 1))
    elif change == "no output":
        copying.output.unlink()
    elif change == "record":
        (copying.folder / "steps/copy.json").unlink()
    assert copying.run(seed=None if change == "setting" else 0) == {"letters": 10 if change == "input" else 4}
    assert copying.times == 2 and copying.output.read_text() == copying.input.read_text()
    assert not copying.stale.exists()


def test_a_step_that_fails_is_not_done(copying):
    """Not even if it was before, with files that are still the same."""
    copying.run()
    state = os.stat(copying.input)
    copying.fails = True
    copying.input.write_text("other text")
    with pytest.raises(KeyboardInterrupt):
        copying.run()
    copying.input.write_text("text")
    os.utime(copying.input, ns=(state.st_atime_ns, state.st_mtime_ns))
    copying.fails = False
    copying.run()
    assert copying.times == 3


def test_the_seconds_are_those_of_the_work(copying):
    steps = Steps(copying.folder)
    assert steps.run("nothing", "Nothing", lambda: None) is None
    again = Steps(copying.folder)
    again.run("nothing", "Nothing", lambda: None)
    assert again.seconds == steps.seconds == {"nothing": read_json(copying.folder / "steps/nothing.json")["seconds"]}
    assert again.titles == {"nothing": "Nothing"}
