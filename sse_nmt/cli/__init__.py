"""`sse-nmt`: one file a command, with arguments in and one call.

Imports wait until they are needed, and until Ctrl-C is looked after.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn, TextIO

if TYPE_CHECKING:
    import argparse

_INTERRUPTED = 130  # as shells have it: 128 and SIGINT's number


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exit with 1 and one sentence for what the user can put right, 130 when interrupted."""
    try:
        _heed_signals()
        _open_streams()
        _speak_utf8()
        _check_names(list(sys.argv[1:] if arguments is None else arguments))
        _run(arguments)
    except BrokenPipeError:
        _abandon(sys.stdout)
        sys.exit(1)
    except OSError as error:  # no space left, no permission, …
        from sse_nmt.system.errors import UserError

        _fail(UserError(f"{_named(error)} cannot be read or written: {error.strerror or error}."))
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            print("sse-nmt: interrupted; started again, `prepare` and `train` go on.", file=sys.stderr)
        sys.exit(_INTERRUPTED)


def build_parser() -> argparse.ArgumentParser:
    import argparse
    import importlib

    import sse_nmt
    from sse_nmt.cli.arguments import listing
    from sse_nmt.cli.commands import COMMANDS

    parser = argparse.ArgumentParser(
        prog="sse-nmt",
        usage="sse-nmt [-h] [--version] COMMAND …",
        description=sse_nmt.__doc__,
        epilog=listing({step: list(members.items()) for step, members in COMMANDS.items()}),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=sse_nmt.__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True, help=argparse.SUPPRESS, prog=parser.prog)
    for members in COMMANDS.values():
        for name, text in members.items():
            importlib.import_module(f"sse_nmt.cli.{name}").add(commands, text)
    return parser


def _run(arguments: Sequence[str] | None) -> None:
    from sse_nmt.system.errors import UserError

    parser, words = build_parser(), list(sys.argv[1:] if arguments is None else arguments)
    if not words:
        print(parser.format_help(), end="", file=sys.stderr)
        sys.exit(2)
    options = parser.parse_args(words)
    try:
        options.call(options)
        sys.stdout.flush()
    except UserError as error:
        _fail(error)


def _open_streams() -> None:
    """Where one of the three standard streams is closed: a file that is opened must not get its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))


def _check_names(words: Sequence[str]) -> None:
    """What is written down of a path must be text: fairseq, YAML and JSON know no other names."""
    for word in (*words, os.getcwd()):
        try:
            word.encode()
        except UnicodeEncodeError:
            from sse_nmt.system.errors import UserError

            _fail(UserError(f"{word} must be named in UTF-8, but is not: rename it."))


def _named(error: OSError) -> str:
    """The file that an error is of; what is written without a name is what the command prints."""
    if error.filename is not None:
        return str(error.filename)
    return "The standard output" if error.errno in (errno.ENOSPC, errno.EBADF) else "A file"


def _speak_utf8() -> None:
    """Whatever the locale: translations and help hold more than ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not where a test or a notebook has its own
            stream.reconfigure(encoding="utf-8")


def _fail(error: Exception) -> NoReturn:
    with contextlib.suppress(OSError):  # full or closed as well: the status says it
        print(f"sse-nmt: {error}", file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # Python would say so once more at its end, with a traceback
            _abandon(stream)
    sys.exit(1)


def _abandon(stream: TextIO) -> None:
    """What it still holds goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _heed_signals() -> None:
    """One signal ends the work in order, a second is the same one again, the third ends it at once."""
    count = 0

    def heed(*_: object) -> None:
        nonlocal count
        count += 1
        if count == 1:
            raise KeyboardInterrupt
        if count > 2:
            os._exit(_INTERRUPTED)

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # a shell's background job
            signal.signal(number, heed)
