"""What is said of a long step where there is no terminal."""

from __future__ import annotations

import io
import re
import sys

import pytest

from sse_nmt.system import progress as progress_module
from sse_nmt.system.progress import Progress, duration, log_line


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0.0 s"), (1.44, "1.4 s"), (59.9, "59.9 s"), (60, "1 min 00 s"), (7265.9, "121 min 05 s")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_how_far_how_fast_and_what_is_left():
    with Progress(4_000_000, "cleaning", "pairs") as progress:
        progress.advance(1_000_000)
        assert progress.sentence(20) == "cleaning: 1,000,000 of 4,000,000 pairs, 50,000 pairs/s, 1 min 00 s left"
        progress.advance(3_500_000)  # more than was thought
        assert progress.sentence(45) == "cleaning: 4,500,000 of 4,000,000 pairs, 100,000 pairs/s, 0.0 s left"


def test_what_was_there_before_makes_it_no_faster():
    with Progress(650_000_000, "fetching", "B", done=600_000_000, scaled=True) as progress:
        assert progress.sentence(10) == "fetching: 600M of 650M B, 0.00 B/s"
        progress.advance(20_000_000)
        assert progress.sentence(10) == "fetching: 620M of 650M B, 2.00M B/s, 15.0 s left"


def test_without_a_total():
    with Progress(None, "fetching", "B") as progress:
        progress.advance(50)
        assert progress.sentence(2) == "fetching: 50 B, 25 B/s"


def test_a_line_now_and_then(monkeypatch, capsys):
    with Progress(10, "cleaning", "pairs") as progress:
        progress.advance(1)
        assert capsys.readouterr().err == ""
        monkeypatch.setattr(progress_module, "_PLAIN_INTERVAL", 0)
        progress.advance(1)
    line = capsys.readouterr().err
    assert re.fullmatch(r"  cleaning: 2 of 10 pairs, [\d,]+ pairs/s, \d+\.\d s left\n", line), line


def test_a_slow_rate_is_not_called_none():
    with Progress(11, "scoring", "sets") as progress:
        progress.advance(2)
        assert progress.sentence(10) == "scoring: 2 of 11 sets, 0.2 sets/s, 45.0 s left"


def test_a_line_comes_whole(monkeypatch):
    """What interrupts the program does so between two writings."""

    class Recorder(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            return len(text)

    written: list[str] = []
    monkeypatch.setattr(sys, "stderr", Recorder())
    log_line("Cleaning …\nand more")
    assert [text for text in written if text] == ["Cleaning …\nand more\n"]
