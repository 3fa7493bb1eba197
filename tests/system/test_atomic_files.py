from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import run_command

from sse_nmt.system import atomic_files
from sse_nmt.system.atomic_files import atomic_directory, atomic_write, check_ours, read_lines, write_lines
from sse_nmt.system.errors import UserError


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder" / "file"
    write_lines(path, ["one", "two\u2028still two", "", "four"])
    assert read_lines(path) == ["one", "two\u2028still two", "", "four"]
    with pytest.raises(RuntimeError), atomic_write(path) as file:
        file.write("half")
        raise RuntimeError
    assert read_lines(path)[0] == "one" and [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder"
    with atomic_directory(path) as part:
        (part / "old").touch()
    with pytest.raises(RuntimeError), atomic_directory(path) as part:
        (part / "half").touch()
        raise RuntimeError
    assert [entry.name for entry in path.iterdir()] == ["old"]
    with atomic_directory(path) as part:
        (part / "new").touch()
    assert [entry.name for entry in path.iterdir()] == ["new"] and len(list(tmp_path.iterdir())) == 1


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    """Each has a file of its own; the last to end wins, and what it wrote is whole."""
    path = tmp_path / "file"
    with atomic_write(path) as first, atomic_write(path) as second:
        second.write("second")
        first.write("first")
        assert len(list(tmp_path.iterdir())) == 2
    assert path.read_text() == "first" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("what", ["atomic_write", "atomic_directory"])
def test_what_a_killed_writer_left_goes_with_the_next_one(tmp_path, what):
    code = (
        "import os, sys; from pathlib import Path\n"
        "from sse_nmt.system.atomic_files import atomic_write, atomic_directory\n"
        f"with {what}(Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    assert run_command(sys.executable, "-c", code, str(tmp_path / "out")).returncode == -9
    (left,) = tmp_path.iterdir()
    assert left.match("out.*.part")
    with atomic_write(tmp_path / "out") if what == "atomic_write" else atomic_directory(tmp_path / "out"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_link_is_followed_and_a_part_is_never_written_through(tmp_path, monkeypatch):
    precious, link = tmp_path / "precious", tmp_path / "link"
    precious.write_text("old")
    link.symlink_to(precious)
    write_lines(link, ["new"])
    assert link.is_symlink() and precious.read_text() == "new\n"
    monkeypatch.setattr(atomic_files.secrets, "token_hex", lambda _: "00000000")
    (tmp_path / "file.00000000.part").symlink_to(precious)
    with pytest.raises(FileExistsError), atomic_write(tmp_path / "file") as file:
        file.write("elsewhere")
    assert precious.read_text() == "new\n"


def test_what_is_no_regular_file_is_written_into(tmp_path):
    write_lines(Path("/dev/null"), ["nothing"])
    assert not Path("/dev/null").is_file()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        reading = pool.submit(pipe.read_bytes)
        write_lines(pipe, ["through"])
        assert reading.result() == b"through\n"
    assert pipe.is_fifo() and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(IsADirectoryError):
        write_lines(tmp_path, ["nothing"])


def test_a_folder_is_ours_by_its_marker(tmp_path):
    check_ours(tmp_path / "none", "run.json")
    (tmp_path / ".lock").touch()
    (tmp_path / "run.json.part").touch()  # killed in writing the first file
    check_ours(tmp_path, "run.json")
    (tmp_path / "train.rank1.log").touch()
    check_ours(tmp_path, "run.json", beside="train.rank*.log")
    (tmp_path / "letters").touch()
    with pytest.raises(UserError) as error:
        check_ours(tmp_path, "run.json", beside="train.rank*.log")
    assert str(error.value) == (f"{tmp_path} must be empty or of our own making, but holds letters and no run.json.")
    (tmp_path / "run.json").touch()
    check_ours(tmp_path, "run.json")
