"""A server with many faces: what is fetched from it is whole and right, or refused in one sentence, in bounded time."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sse_nmt.system import download as download_module
from sse_nmt.system.download import Limits, download
from sse_nmt.system.errors import UserError

BODY = b"some bytes, " * 20_000
SHA256 = hashlib.sha256(BODY).hexdigest()
HALF = len(BODY) // 2
LIMITS = Limits(most=10**6, timeout=1.0, retries=2)
Answer = Callable[[socket.socket, int, bytes], None]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """``answer`` gets each connection, its number from 0, and what was asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            for number in range(10_000):
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection, number), daemon=True).start()

        def serve(connection: socket.socket, number: int) -> None:
            with connection:
                asked = connection.recv(1 << 16)
                try:
                    answer(connection, number, asked)
                except OSError:  # nobody listens any more
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def head(status: str = "200 OK", **headers: object) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "Connection: close", "", ""]).encode("latin-1")


def start_of(asked: bytes) -> int:
    found = [line for line in asked.split(b"\r\n") if line.lower().startswith(b"range:")]
    return int(found[0].split(b"=")[1].rstrip(b"-")) if found else 0


def send_rest(connection: socket.socket, asked: bytes, end: int = len(BODY), tag: str = '"1"') -> None:
    """The body from where it was asked for, broken off at ``end``."""
    start = start_of(asked)
    length = len(BODY) - start
    if start:
        where = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
        connection.sendall(head("206 Partial Content", ETag=tag, Content_Length=length, Content_Range=where))
    else:
        connection.sendall(head(ETag=tag, Content_Length=length))
    connection.sendall(BODY[start:end])


def cut_thrice(connection: socket.socket, number: int, asked: bytes) -> None:
    send_rest(connection, asked, len(BODY) * (number + 1) // 4)


def busy_twice(connection: socket.socket, number: int, asked: bytes) -> None:
    if number < 2:
        connection.sendall(head("503 Busy", Content_Length=0))
    else:
        send_rest(connection, asked)


def more_than_announced(connection: socket.socket, number: int, asked: bytes) -> None:
    connection.sendall(head(Content_Length=len(BODY)) + BODY + b"more")


def in_small_pieces(connection: socket.socket, number: int, asked: bytes) -> None:
    connection.sendall(head(Content_Length=len(BODY)))
    for place in range(0, len(BODY), 10_000):
        connection.sendall(BODY[place : place + 10_000])
        time.sleep(0.002)


def without_length(connection: socket.socket, number: int, asked: bytes) -> None:
    connection.sendall(head() + BODY)


GOOD = [cut_thrice, busy_twice, more_than_announced, in_small_pieces, without_length]


@pytest.mark.parametrize("answer", GOOD)
def test_faults_that_pass(tmp_path, monkeypatch, answer):
    pauses = []
    monkeypatch.setattr(download_module.time, "sleep", pauses.append) if answer in (cut_thrice, busy_twice) else None
    with serving(answer) as url:
        download(f"{url}/file", tmp_path / "file", SHA256, limits=LIMITS)
    assert (tmp_path / "file").read_bytes() == BODY and len(list(tmp_path.iterdir())) == 1
    assert pauses == {cut_thrice: [2, 2, 2], busy_twice: [2, 4]}.get(answer, [])


def half_then_416(connection: socket.socket, number: int, asked: bytes) -> None:
    if start_of(asked):
        connection.sendall(head("416 Range Not Satisfiable", Content_Length=0))
    else:
        send_rest(connection, asked, HALF)


def a_byte_at_a_time(connection: socket.socket, number: int, asked: bytes) -> None:
    connection.sendall(head(ETag='"1"', Content_Length=len(BODY)))
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def silent(connection: socket.socket, number: int, asked: bytes) -> None:
    time.sleep(3)


def endless(connection: socket.socket, number: int, asked: bytes) -> None:
    connection.sendall(head())
    while True:
        connection.sendall(BODY)


def claims(value: object) -> Answer:
    def answer(connection: socket.socket, number: int, asked: bytes) -> None:
        connection.sendall(head(Content_Length=value) + BODY[:1000])

    return answer


def from_elsewhere(connection: socket.socket, number: int, asked: bytes) -> None:
    if start_of(asked):
        connection.sendall(head("206 Partial Content", Content_Range=f"bytes 7-9/{len(BODY)}") + b"abc")
    else:
        send_rest(connection, asked, HALF)


def partly_unasked(connection: socket.socket, number: int, asked: bytes) -> None:
    connection.sendall(head("206 Partial Content", Content_Range=f"bytes 7-9/{len(BODY)}") + b"abc")


def redirects(to: str) -> Answer:
    def answer(connection: socket.socket, number: int, asked: bytes) -> None:
        connection.sendall(head("302 Found", Location=to, Content_Length=0))

    return answer


def says(data: bytes) -> Answer:
    def answer(connection: socket.socket, number: int, asked: bytes) -> None:
        connection.sendall(data)

    return answer


def another_version_each_time(connection: socket.socket, number: int, asked: bytes) -> None:
    connection.sendall(head(ETag=f'"{number}"', Content_Length=len(BODY)) + BODY[:HALF])


def closes_at_once(connection: socket.socket, number: int, asked: bytes) -> None:
    pass


def another_file(connection: socket.socket, number: int, asked: bytes) -> None:
    connection.sendall(head(Content_Length=5) + b"other")


BAD: dict[str, tuple[Answer, str]] = {
    "half, then 416": (half_then_416, "cannot be downloaded: Range Not Satisfiable."),
    "a byte at a time": (a_byte_at_a_time, "cannot be downloaded: it sends less than 1,000 bytes a second."),
    "silent": (silent, "cannot be downloaded: timed out."),
    "endless": (endless, "must have at most 1,000,000 bytes, but has more: see `--max-download`."),
    "a terabyte": (claims(10**12), "must have at most 1,000,000 bytes, but has more: see `--max-download`."),
    "less than nothing": (claims(-5), "must have -5 bytes, but was cut short after 1000."),
    "no number": (claims("many"), "cannot be downloaded: invalid literal for int() with base 10: 'many'."),
    "cut at once": (claims(10**5), "must have 100000 bytes, but was cut short after 1000."),
    "from elsewhere": (from_elsewhere, f"must go on at byte {HALF}, but its server sent something else."),
    "a part, unasked": (partly_unasked, "must go on at byte 0, but its server sent something else."),
    "to itself": (redirects("/file"), "cannot be downloaded: The HTTP server returned a redirect error"),
    "to a file": (redirects("file:///etc/passwd"), "cannot be downloaded: Found - Redirection to url 'file:///etc/"),
    "to nobody": (redirects("http://127.0.0.1:9/file"), "cannot be downloaded: [Errno 111] Connection refused."),
    "no HTTP": (says(b"220 mail.example ESMTP\r\n"), "cannot be downloaded: 220 mail.example ESMTP"),
    "many headers": (says(head(**{f"X{i}": 1 for i in range(200)})), "cannot be downloaded: got more than 100 header"),
    "a long header": (says(head(X="x" * 70_000)), "cannot be downloaded: got more than 65536 bytes when"),
    "always busy": (says(head("503 Busy")), "cannot be downloaded: Busy."),
    "not there": (says(head("404 \x1b[31mGone\x07|<b>")), "cannot be downloaded: \\x1b[31mGone\\x07|<b>."),
    "broken chunks": (says(head(Transfer_Encoding="chunked") + b"zz\r\nabc"), "cannot be downloaded: "),
    "a version a time": (another_version_each_time, f"must have {len(BODY)} bytes, but was cut short after {HALF}."),
    "closes at once": (closes_at_once, "cannot be downloaded: Remote end closed connection without response."),
    "another file": (another_file, f"must have the SHA-256 {SHA256}, but has "),
}  # fmt: skip


@pytest.mark.parametrize("face", BAD)
def test_what_is_refused(tmp_path, monkeypatch, face):
    monkeypatch.setattr(download_module, "_PAUSE", 0)
    answer, sentence = BAD[face]
    start = time.monotonic()
    with serving(answer) as url, pytest.raises(UserError) as error:
        download(f"{url}/file", tmp_path / "file", SHA256, limits=LIMITS)
    assert str(error.value).startswith(f"{url}/file {sentence}")
    assert time.monotonic() - start < 20 and not (tmp_path / "file").exists()


def test_the_pauses_grow_and_have_an_end(tmp_path, monkeypatch):
    pauses = []
    monkeypatch.setattr(download_module.time, "sleep", pauses.append)
    with serving(says(head("503 Busy"))) as url, pytest.raises(UserError, match="Busy"):
        download(f"{url}/file", tmp_path / "file", limits=Limits(retries=8))
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]


def test_a_password_goes_to_the_host_and_nowhere_else(tmp_path):
    asked = []

    def answer(connection: socket.socket, number: int, text: bytes) -> None:
        asked.append(text)
        send_rest(connection, text, HALF if number == 0 else len(BODY))

    with serving(answer) as url:
        host = url.removeprefix("http://")
        with pytest.raises(UserError) as error:
            download(f"http://me:secr%40t@{host}/file", tmp_path / "file", "0" * 64, limits=LIMITS)
        assert "secr" not in str(error.value) and str(error.value).startswith(f"{url}/file must have the SHA-256")
    words = base64.b64encode(b"me:secr@t")
    assert len(asked) == 2 and all(b"Authorization: Basic " + words in text for text in asked)


def test_what_is_kept_of_half_a_file_has_no_password(tmp_path, monkeypatch):
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(download_module.time, "sleep", stop)
    answer = another_version_each_time
    with serving(answer) as url, pytest.raises(KeyboardInterrupt):
        download(f"http://me:secret@{url.removeprefix('http://')}/file", tmp_path / "file", limits=LIMITS)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name != "file.part")
    assert url.encode() in kept and b"secret" not in kept


def test_one_that_closes_amid_the_body_is_asked_again_by_itself(tmp_path, monkeypatch):
    """As a proxy does that breaks off a long answer: one call, no second start."""
    monkeypatch.setattr(download_module, "_PAUSE", 0.01)

    def answer(connection: socket.socket, number: int, asked: bytes) -> None:
        send_rest(connection, asked, HALF if number == 0 else len(BODY))

    with serving(answer) as url:
        download(f"{url}/file", tmp_path / "file", SHA256, limits=LIMITS)
    assert (tmp_path / "file").read_bytes() == BODY
