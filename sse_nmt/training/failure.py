"""Why a training process failed, from what it printed."""

from __future__ import annotations

MARK = "sse-nmt failed: "  # before the sentence that a training process ends with


class Failure:
    """Reads a process's lines as they come."""

    def __init__(self) -> None:
        self._sentence = ""
        self._last = ""

    def read(self, line: str) -> None:
        text = line.strip()
        if text.startswith(MARK):
            self._sentence = self._sentence or text.removeprefix(MARK)
        elif text:
            self._last = text

    def __str__(self) -> str:
        """Its own sentence, or the last line of a process that was killed before it could say one."""
        return self._sentence or self._last or "it said nothing"
