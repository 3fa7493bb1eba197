"""Downloads against a real HTTP server on 127.0.0.1, with the faults that servers have."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from file_server import FileServer, serving

from sse_nmt.system import download as download_module
from sse_nmt.system.archives import check_archive
from sse_nmt.system.download import download, fetch_once
from sse_nmt.system.errors import UserError

BODY = b"some bytes, " * 10_000
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server(tmp_path, monkeypatch) -> Iterator[FileServer]:
    monkeypatch.setattr(download_module, "_PAUSE", 0)
    served = tmp_path / "served"
    served.mkdir()
    (served / "file").write_bytes(BODY)
    with serving(served) as server:
        yield server


@pytest.mark.parametrize("with_length", [True, False])
def test_a_good_file_arrives_and_is_not_fetched_twice(server, tmp_path, with_length):
    server.with_length = with_length
    path = tmp_path / "folder" / "file"
    download(f"{server.url}/file", path, SHA256)
    assert path.read_bytes() == BODY
    download("http://127.0.0.1:9/nobody-listens", path, SHA256)
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_a_connection_that_breaks_is_taken_up_again(server, tmp_path):
    server.cuts["/file"] = 2
    download(f"{server.url}/file", tmp_path / "file", SHA256)
    assert (tmp_path / "file").read_bytes() == BODY
    half, quarter = len(BODY) // 2, len(BODY) // 4
    assert [asked for _, asked in server.requests] == [None, f"bytes={half}-", f"bytes={half + quarter}-"]


def leave_half(server: FileServer, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process leaves that is killed half-way."""
    server.cuts["/file"] = 1
    monkeypatch.setattr(download_module.time, "sleep", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        download(f"{server.url}/file", path, SHA256)
    assert not path.exists() and path.with_name("file.part").stat().st_size == len(BODY) // 2


def test_another_start_goes_on_where_the_first_stopped(server, tmp_path, monkeypatch):
    leave_half(server, tmp_path / "file", monkeypatch)
    download(f"{server.url}/file", tmp_path / "file", SHA256)
    assert (tmp_path / "file").read_bytes() == BODY and server.requests[-1][1] == f"bytes={len(BODY) // 2}-"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "served"]


@pytest.mark.parametrize("other", [BODY[::-1], b"short"])
def test_a_file_that_changed_meanwhile_is_fetched_anew(server, tmp_path, monkeypatch, other):
    leave_half(server, tmp_path / "file", monkeypatch)
    (server.folder / "file").write_bytes(other)
    download(f"{server.url}/file", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == other


def test_without_a_version_nothing_is_gone_on_with(server, tmp_path):
    server.with_version = False
    server.cuts["/file"] = 1
    with pytest.raises(UserError) as error:
        download(f"{server.url}/file", tmp_path / "file", SHA256)
    assert str(error.value) == (
        f"{server.url}/file must have {len(BODY)} bytes, but was cut short after {len(BODY) // 2}."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["served"]


def test_a_server_that_sends_no_more_is_given_up(server, tmp_path, monkeypatch):
    leave_half(server, tmp_path / "file", monkeypatch)
    monkeypatch.setattr(download_module.time, "sleep", lambda _: None)
    monkeypatch.setattr(download_module, "_receive", lambda *_: len(BODY))
    with pytest.raises(UserError, match=f"was cut short after {len(BODY) // 2}"):
        download(f"{server.url}/file", tmp_path / "file", SHA256)
    assert (tmp_path / "file.part").stat().st_size == len(BODY) // 2


@pytest.mark.parametrize(
    ("name", "sha256", "sentence"),
    [
        ("missing", SHA256, "{url} cannot be downloaded: Not Found."),
        ("file", "0" * 64, f"{{url}} must have the SHA-256 {'0' * 64}, but has {SHA256} instead."),
    ],
)
def test_a_bad_one_leaves_nothing(server, tmp_path, name, sha256, sentence):
    with pytest.raises(UserError) as error:
        download(f"{server.url}/{name}", tmp_path / "file", sha256)
    assert str(error.value) == sentence.format(url=f"{server.url}/{name}")
    assert [path.name for path in tmp_path.iterdir()] == ["served"]


def test_one_that_does_not_pass_the_check_leaves_nothing(server, tmp_path):
    with pytest.raises(UserError, match=r"/file must be a whole \.tgz archive, but cannot be read: Not a gzipped file"):
        download(f"{server.url}/file", tmp_path / "file", check=lambda path: check_archive(path, ["a"], 10**6))
    assert [path.name for path in tmp_path.iterdir()] == ["served"]


def test_no_server(tmp_path):
    with pytest.raises(UserError, match=r"^http://127\.0\.0\.1:9/file cannot be downloaded: .*refused.*\.$"):
        download("http://127.0.0.1:9/file", tmp_path / "file", SHA256)


def test_a_file_with_another_checksum_is_not_taken_for_good(tmp_path):
    (tmp_path / "file").write_bytes(b"other")
    with pytest.raises(UserError, match="must have the SHA-256"):
        download("http://127.0.0.1:9/file", tmp_path / "file", SHA256)


def test_what_is_fetched_once_is_checked_before_it_is_kept(tmp_path):
    path = tmp_path / "package" / "file"
    with pytest.raises(UserError, match="^file must have the SHA-256"):
        fetch_once(path, SHA256, lambda folder: (folder / "file").write_bytes(b"another"))
    assert not path.exists()
    assert fetch_once(path, SHA256, lambda folder: (folder / "file").write_bytes(BODY)) == path


def test_of_several_who_want_a_file_one_fetches_it(tmp_path):
    fetched = []

    def fetch(folder: Path) -> None:
        fetched.append(folder)
        time.sleep(0.2)
        (folder / "file").write_bytes(BODY)

    with ThreadPoolExecutor() as pool:
        paths = list(pool.map(lambda _: fetch_once(tmp_path / "package" / "file", SHA256, fetch), range(4)))
    assert len(fetched) == 1 and {path.read_bytes() for path in paths} == {BODY}
