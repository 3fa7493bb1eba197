from __future__ import annotations

import pytest

from sse_nmt.atomic_files import check_ours, read_lines, whole_file, whole_folder, write_lines
from sse_nmt.errors import UserError


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder" / "file"
    write_lines(path, ["one", "two\u2028still two", "", "four"])
    assert read_lines(path) == ["one", "two\u2028still two", "", "four"]
    with pytest.raises(RuntimeError), whole_file(path) as file:
        file.write("half")
        raise RuntimeError
    assert read_lines(path)[0] == "one" and [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder"
    with whole_folder(path) as part:
        (part / "old").touch()
    with pytest.raises(RuntimeError), whole_folder(path) as part:
        (part / "half").touch()
        raise RuntimeError
    assert [entry.name for entry in path.iterdir()] == ["old"]
    with whole_folder(path) as part:
        (part / "new").touch()
    assert [entry.name for entry in path.iterdir()] == ["new"] and len(list(tmp_path.iterdir())) == 1


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
