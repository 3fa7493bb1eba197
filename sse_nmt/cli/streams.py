"""The standard streams of a command: open, of UTF-8, and given up without a word where nobody takes what they hold."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def open_streams() -> None:
    """Where one of the three standard streams is closed: a file that is opened must not get its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))


def speak_utf8() -> None:
    """Whatever the locale: translations and help hold more than ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not where a test or a notebook has its own
            stream.reconfigure(encoding="utf-8")


def abandon(stream: TextIO) -> None:
    """What it still holds goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
