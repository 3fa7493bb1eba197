"""What a user can put right is one sentence in fairseq's commands too, without their traceback."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from sse_nmt.system.errors import OptionError, UserError

Function = TypeVar("Function", bound=Callable[..., Any])
_PROGRAMS = ("fairseq-", "hydra_train", "train.py", "generate.py", "interactive.py", "validate.py")


def install() -> None:
    """Where the program is one of fairseq's: a `UserError` that nobody catches is printed as its sentence."""
    program = Path(sys.argv[0]).name if sys.argv else ""
    if program.startswith(_PROGRAMS):
        sys.excepthook = functools.partial(_print, program, sys.excepthook)


def says_one_sentence(function: Function) -> Function:
    """A ValueError of ours within ``function`` becomes an `OptionError`."""

    @functools.wraps(function)
    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        try:
            return function(*arguments, **keywords)
        except UserError:
            raise
        except ValueError as error:
            raise OptionError(str(error)) from error

    return wrapped  # type: ignore[return-value]


def _print(
    program: str,
    before: Callable[..., Any],
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
) -> None:
    if isinstance(error, UserError):
        print(f"{program}: {error}", file=sys.stderr)
    else:
        before(kind, error, trace)
