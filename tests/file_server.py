"""A real HTTP server on 127.0.0.1 that serves a folder, goes on in the middle of a file, and fails as servers do."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class FileServer:
    """What it serves, how it fails, and what it was asked."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.cuts: dict[str, int] = {}  # path -> how often yet to break off half-way
        self.with_version = True
        self.with_length = True
        self.requests: list[tuple[str, str | None]] = []  # (path, Range)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        served = self.server.served
        asked = self.headers.get("Range")
        served.requests.append((self.path, asked))
        file = served.folder / self.path.removeprefix("/")
        if not file.is_file():
            self.send_error(404)
            return
        body = file.read_bytes()
        version = f'"{hash(body):x}"'
        start = 0
        if asked is not None and self.headers.get("If-Range") == version:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            if start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.end_headers()
                return
        self.send_response(206 if start else 200)
        if served.with_version:
            self.send_header("ETag", version)
        if served.with_length:
            self.send_header("Content-Length", str(len(body) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        rest = body[start:]
        if served.cuts.get(self.path, 0) > 0:
            served.cuts[self.path] -= 1
            rest = rest[: len(rest) // 2]
        self.wfile.write(rest)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    served: FileServer


@contextmanager
def serving(folder: Path) -> Iterator[FileServer]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.served = FileServer(folder, f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server.served
        server.shutdown()
