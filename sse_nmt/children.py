"""Child processes: their text is UTF-8 whatever the locale, and what they say last is why they failed."""

from __future__ import annotations

import os


def utf8_environment() -> dict[str, str]:
    """The environment of a Python process whose pipes and files are UTF-8."""
    return {**os.environ, "PYTHONUTF8": "1"}


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
