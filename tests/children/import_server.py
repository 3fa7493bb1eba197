"""Imports for hundreds of processes, paid for once: torch and fairseq take five seconds in each of them.

A server has them loaded. A Python process that tests start, with `-m sse_nmt…` or one of fairseq's commands, asks it
for a copy of itself (a fork) that runs the same program with the same words, folder, environment and files, passes on
the signals that it gets, and ends as the copy ends. A test that is about processes themselves starts real ones
(`real_processes` in tests/conftest.py). Nothing of sse_nmt is loaded beforehand.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import socket
import struct
import sys

ADDRESS, SETTINGS = "SSE_NMT_TEST_SERVER", "SSE_NMT_TEST_SERVER_SETTINGS"  # in the environment
_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PROGRAMS = (
    "fairseq-train",
    "fairseq-hydra-train",
    "fairseq-generate",
    "fairseq-interactive",
    "fairseq-preprocess",
    "fairseq-validate",
)
_MODULES = ("fairseq_cli.train", "fairseq_cli.generate", "fairseq_cli.interactive", "fairseq_cli.preprocess")
_DEATH = 1  # prctl's PR_SET_PDEATHSIG
_SIZE = 1 << 20  # bytes of a request, at most


def ask() -> None:
    """In a process that starts: become a copy of the server, if there is one and this is a program of its."""
    address = os.environ.get(ADDRESS)
    program = _program(sys.orig_argv) if address else None
    if program is None or os.environ.get(SETTINGS) != settings():
        return
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(address)
        if not _alike(struct.unpack("3i", server.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]):
            return
    except OSError:  # still loading, or gone
        return
    request = {
        "program": program, "folder": os.getcwd(), "environment": dict(os.environ),
        "processors": sorted(os.sched_getaffinity(0)),
    }  # fmt: skip
    socket.send_fds(server, [json.dumps(request).encode() + b"\n"], [0, 1, 2])
    for number in _FORWARDED:
        signal.signal(number, lambda number, _: server.send(bytes([number])))
    answer = b""
    while not answer.endswith(b"\n"):
        received = server.recv(64)
        if not received:
            os._exit(1)
        answer += received
    status = int(answer)
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def settings() -> str:
    """What Python and sacreBLEU read once."""
    return "\n".join(os.environ.get(name, "") for name in ("PYTHONPATH", "SACREBLEU"))


def _alike(other: int) -> bool:
    """Whether a copy of that process has the limits and the network of this one."""
    limits = (resource.RLIMIT_FSIZE, resource.RLIMIT_AS, resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)
    if any(resource.prlimit(other, limit) != resource.getrlimit(limit) for limit in limits):
        return False
    return os.readlink(f"/proc/{other}/ns/net") == os.readlink("/proc/self/ns/net")


def _program(words: list[str]) -> list[str] | None:
    """What is run and its words, -m NAME or a path first; None for what a copy is no good for."""
    rest = words[1:]
    if rest and rest[0] == "-u":
        rest = rest[1:]
    if rest[:1] == ["-m"] and len(rest) > 1 and (rest[1].split(".")[0] == "sse_nmt" or rest[1] in _MODULES):
        return rest
    if rest and os.path.basename(rest[0]) in _PROGRAMS:
        return rest
    return None


def serve(address: str) -> None:
    """Load, then make a copy for every process that asks, until the one that started this is gone."""
    ctypes.CDLL(None).prctl(_DEATH, signal.SIGKILL)
    import ctranslate2  # noqa: F401
    import fairseq_cli.generate
    import fairseq_cli.hydra_train
    import fairseq_cli.interactive
    import fairseq_cli.preprocess
    import fairseq_cli.validate  # noqa: F401
    import sentencepiece  # noqa: F401
    import torch._dynamo  # which an optimiser loads
    import torch.distributed.run  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the keepers
    server = socket.socket(socket.AF_UNIX)
    server.bind(address + ".new")
    server.listen(64)
    os.rename(address + ".new", address)
    while True:
        asked, _ = server.accept()
        if os.fork() == 0:
            server.close()
            _keep(asked)
        asked.close()


def _keep(asked: socket.socket) -> None:
    """Start the copy, pass signals on, say how it ended; it dies with whoever asked, and with the server."""
    ctypes.CDLL(None).prctl(_DEATH, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, files, _, _ = socket.recv_fds(asked, _SIZE, 3)
    while not message.endswith(b"\n"):
        more = asked.recv(_SIZE)
        if not more:  # killed before it could ask
            os._exit(0)
        message += more
    request = json.loads(message)
    ours = os.getpid()
    copy = os.fork()
    if copy == 0:
        ctypes.CDLL(None).prctl(_DEATH, signal.SIGKILL)
        if os.getppid() != ours:
            os._exit(1)
        asked.close()
        _run(request, files)
    for file in (*files, 0, 1, 2):  # a pipe ends when the copy closes it
        os.close(file)
    ended = os.pidfd_open(copy)
    while True:
        ready, _, _ = select.select([asked, ended], [], [])
        if ended in ready:
            break
        number = asked.recv(1)
        os.kill(copy, number[0] if number else signal.SIGKILL)
        if not number:
            os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])
    asked.sendall(f"{status}\n".encode())
    os._exit(0)


def _run(request: dict, files: list[int]) -> None:
    """What Python does from its start to its end, imports left out."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    os.sched_setaffinity(0, request["processors"])
    code = _call(request["program"])
    import atexit
    import threading

    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 120  # as Python ends then
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _open_streams() -> None:
    """As Python opens them: those of the server were made for other files."""
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stdout = sys.__stdout__ = open(
        1, "w", 1 if os.isatty(1) else -1, encoding="utf-8", errors="surrogateescape", closefd=False
    )
    sys.stderr = sys.__stderr__ = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _call(words: list[str]) -> int:
    import random
    import runpy
    import traceback

    import numpy as np
    import torch

    random.seed()
    np.random.seed()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0))))
    _open_streams()
    try:
        if words[0] == "-m":
            sys.path.insert(0, os.getcwd())
            sys.argv, sys.orig_argv = words[1:], [sys.executable, *words]
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.path.insert(0, os.path.dirname(words[0]))
            sys.argv, sys.orig_argv = words, [sys.executable, *words]
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        traceback.print_exc()
        return -signal.SIGINT
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


if __name__ == "__main__":
    serve(sys.argv[1])
