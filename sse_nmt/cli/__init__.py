"""`sse-nmt`: one sub-command a step. Imports wait until they are needed, and until Ctrl-C is looked after."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exit with 1 and one sentence for what the user can put right, 130 when interrupted."""
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        _speak_utf8()
        _run(arguments)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:  # no space left, no permission, …
        _fail(f"{error.filename or 'A file'} cannot be read or written: {error.strerror or error}.")
    except KeyboardInterrupt:
        print("sse-nmt: interrupted; started again, `prepare` and `train` go on.", file=sys.stderr)
        sys.exit(130)


def build_parser() -> argparse.ArgumentParser:
    import argparse

    import sse_nmt
    from sse_nmt.cli import average, bench, compare, evaluate, export, graph, newstest, prepare, train, translate

    parser = argparse.ArgumentParser(prog="sse-nmt", description=sse_nmt.__doc__)
    parser.add_argument("--version", action="version", version=sse_nmt.__version__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (prepare, graph, train, average, export, translate, evaluate, newstest, compare, bench):
        command.add(commands)
    return parser


def _run(arguments: Sequence[str] | None) -> None:
    from sse_nmt.errors import UserError

    options = build_parser().parse_args(arguments)
    try:
        options.call(options)
        sys.stdout.flush()
    except UserError as error:
        _fail(str(error))


def _speak_utf8() -> None:
    """Whatever the locale: translations and help hold more than ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not where a test or a notebook has its own
            stream.reconfigure(encoding="utf-8")


def _fail(sentence: str) -> None:
    print(f"sse-nmt: {sentence}", file=sys.stderr)
    sys.exit(1)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
