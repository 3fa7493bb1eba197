"""`sse-nmt`: one sub-command a step. Heavy imports wait until the step that needs them runs."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

import sse_nmt
from sse_nmt.cli import average, bench, compare, evaluate, export, graph, newstest, prepare, train, translate
from sse_nmt.errors import UserError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exit with 1 and one sentence for what the user can put right, 130 when interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    options = build_parser().parse_args(arguments)
    try:
        options.call(options)
        sys.stdout.flush()
    except UserError as error:
        _fail(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:  # no space left, no permission, …
        _fail(f"{error.filename or 'A file'} cannot be read or written: {error.strerror or error}.")
    except KeyboardInterrupt:
        print("sse-nmt: interrupted; started again, `prepare` and `train` go on.", file=sys.stderr)
        sys.exit(130)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sse-nmt", description=sse_nmt.__doc__)
    parser.add_argument("--version", action="version", version=sse_nmt.__version__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (prepare, graph, train, average, export, translate, evaluate, newstest, compare, bench):
        command.add(commands)
    return parser


def _fail(sentence: str) -> None:
    print(f"sse-nmt: {sentence}", file=sys.stderr)
    sys.exit(1)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
