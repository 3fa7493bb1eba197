"""Processes that tests start are copies of the server, where there is one."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import import_server
import pytest
from conftest import run_command


@pytest.mark.skipif(import_server.ADDRESS not in os.environ, reason="so few tests have no server")
def test_a_child_finds_everything_loaded(tmp_path):
    assert os.environ[import_server.SETTINGS] == import_server.settings()
    address, deadline = Path(os.environ[import_server.ADDRESS]), time.monotonic() + 120
    while not address.exists():  # it is still loading, and whoever asks now starts by itself
        assert time.monotonic() < deadline
        time.sleep(0.1)
    code = "import sys; assert 'fairseq' in sys.modules"
    (tmp_path / "fairseq-train").write_text(code)  # a program of that name is one that the server runs
    assert run_command(sys.executable, str(tmp_path / "fairseq-train")).returncode == 0
