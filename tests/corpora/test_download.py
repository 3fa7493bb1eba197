"""Downloads against a real HTTP server on 127.0.0.1, with the faults that servers have."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sse_nmt.corpora import multi30k
from sse_nmt.corpora.download import download
from sse_nmt.errors import UserError

BODY = b"some bytes, " * 10_000
SHA256 = hashlib.sha256(BODY).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.endswith("/missing"):
            self.send_error(404)
            return
        self.send_response(200)
        if not self.path.endswith("/no-length"):
            self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[: len(BODY) // 2] if self.path.endswith("/cut") else BODY)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("name", ["whole", "no-length"])
def test_a_good_file_arrives_and_is_not_fetched_twice(server, tmp_path, name):
    path = tmp_path / "folder" / "file"
    download(f"{server}/{name}", path, SHA256)
    assert path.read_bytes() == BODY
    download("http://127.0.0.1:9/nobody-listens", path, SHA256)


@pytest.mark.parametrize(
    ("name", "sha256", "sentence"),
    [
        ("missing", SHA256, "{url} cannot be downloaded: Not Found."),
        ("cut", SHA256, f"{{url}} must have {len(BODY)} bytes, but was cut short after {len(BODY) // 2}."),
        ("whole", "0" * 64, f"{{url}} must have the SHA-256 {'0' * 64}, but has {SHA256} instead."),
    ],
)
def test_a_bad_one_leaves_nothing(server, tmp_path, name, sha256, sentence):
    path = tmp_path / "file"
    with pytest.raises(UserError) as error:
        download(f"{server}/{name}", path, sha256)
    assert str(error.value) == sentence.format(url=f"{server}/{name}")
    assert list(tmp_path.iterdir()) == []


def test_no_server(tmp_path):
    with pytest.raises(UserError, match=r"^http://127\.0\.0\.1:9/file cannot be downloaded: .*refused.*\.$"):
        download("http://127.0.0.1:9/file", tmp_path / "file", SHA256)


def test_a_file_with_another_checksum_is_not_taken_for_good(tmp_path):
    (tmp_path / "file").write_bytes(b"other")
    with pytest.raises(UserError, match="must have the SHA-256"):
        download("http://127.0.0.1:9/file", tmp_path / "file", SHA256)


def _write_splits(folder: Path, compressed: bool) -> None:
    for name in multi30k.SPLITS.values():
        for language in ("en", "de"):
            text = f"{name} one\n{name} two {language}\n".encode()
            path = folder / f"{name}.{language}{'.gz' if compressed else ''}"
            path.write_bytes(gzip.compress(text) if compressed else text)


@pytest.mark.parametrize("compressed", [False, True])
def test_multi30k_from_local_files(tmp_path, compressed):
    _write_splits(tmp_path, compressed)
    splits = multi30k.splits(tmp_path)
    assert splits.valid == [("val one", "val one"), ("val two en", "val two de")]
    assert len(splits.train) == len(splits.test) == 2


def test_multi30k_says_what_is_missing_damaged_or_uneven(tmp_path):
    _write_splits(tmp_path, compressed=True)
    (tmp_path / "val.de.gz").write_bytes(gzip.compress(b"one line only\n"))
    sentence = f"but {tmp_path}/val.en.gz has 2 and {tmp_path}/val.de.gz has 1"
    with pytest.raises(UserError, match=sentence):
        multi30k.splits(tmp_path)
    (tmp_path / "val.de.gz").write_bytes(gzip.compress(b"one\ntwo\n")[:-9])
    with pytest.raises(UserError, match=r"val\.de\.gz must be a gzip file, but cannot be unpacked"):
        multi30k.splits(tmp_path)
    (tmp_path / "val.de.gz").unlink()
    with pytest.raises(UserError, match=r"must hold val\.de or val\.de\.gz, but holds neither\.$"):
        multi30k.splits(tmp_path)
