"""`sse-nmt`: one file a command, with arguments in and one call.

Imports wait until they are needed, and until Ctrl-C is looked after.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from sse_nmt.cli.signals import INTERRUPTED, comes_of_an_interruption, heed_signals
from sse_nmt.cli.streams import abandon, open_streams, speak_utf8

if TYPE_CHECKING:
    import argparse


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exit with 1 and one sentence for what the user can put right, 130 when interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        heed_signals()
        open_streams()
        speak_utf8()
        _check_names(words)
        _run(words)
    except (KeyboardInterrupt, Exception) as error:
        _end(error)


def build_parser() -> argparse.ArgumentParser:
    import argparse
    import importlib

    import sse_nmt
    from sse_nmt.cli.arguments import Parser, listing
    from sse_nmt.cli.commands import COMMANDS

    parser = Parser(
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


def _run(words: list[str]) -> None:
    parser = build_parser()
    if not words:
        print(parser.format_help(), end="", file=sys.stderr)
        sys.exit(2)
    options = parser.parse_args(words)
    options.call(options)
    sys.stdout.flush()


def _end(error: BaseException) -> NoReturn:
    """Say what there is to say; what nobody but we can put right keeps its traceback."""
    from sse_nmt.system.errors import UserError

    if comes_of_an_interruption(error):
        with contextlib.suppress(OSError):
            print("sse-nmt: interrupted; started again, `prepare` and `train` go on.", file=sys.stderr)
        if threading.active_count() > 1:  # Python would wait for those of libraries, whom nobody has told
            os._exit(INTERRUPTED)
        sys.exit(INTERRUPTED)
    if isinstance(error, BrokenPipeError):
        abandon(sys.stdout)
        sys.exit(1)
    if isinstance(error, OSError):  # no space left, no permission, …
        error = UserError(f"{_named(error)} cannot be read or written: {error.strerror or error}.")
    if isinstance(error, UserError):
        _fail(error)
    raise error


def _check_names(words: Sequence[str]) -> None:
    """What is written down of a path must be text: fairseq, YAML and JSON know no other names."""
    for word in (*words, os.getcwd()):
        try:
            word.encode()
        except UnicodeEncodeError:
            from sse_nmt.system.errors import UserError

            raise UserError(f"{word} must be named in UTF-8, but is not: rename it.") from None


def _named(error: OSError) -> str:
    """The file that an error is of; what is written without a name is what the command prints."""
    if error.filename is not None:
        return str(error.filename)
    return "The standard output" if error.errno in (errno.ENOSPC, errno.EBADF) else "A file"


def _fail(error: Exception) -> NoReturn:
    with contextlib.suppress(OSError):  # full or closed as well: the status says it
        print(f"sse-nmt: {error}", file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # Python would say so once more at its end, with a traceback
            abandon(stream)
    sys.exit(1)
