"""Tokens looked up in a vocabulary, and an account of those that are not in it."""

from __future__ import annotations

from collections.abc import Mapping

_NAMED = 5


class TokenResolver:
    """``rows``: what is known. ``what``: what is said of those that are."""

    def __init__(self, rows: Mapping[str, int], what: str = "tokens are in the dictionary") -> None:
        self._rows, self._what = rows, what
        self._seen: set[str] = set()
        self.known, self.unknown = 0, 0  # different tokens
        self._named: list[str] = []

    def find(self, token: str) -> int:
        """Its row, -1 if it has none. However often a token is looked up, it counts once."""
        if token in self._seen:
            return self._rows.get(token, -1)
        self._seen.add(token)
        return self.find_once(token)

    def find_once(self, token: str) -> int:
        """The same for a token that will not come again, so that it need not be remembered."""
        row = self._rows.get(token, -1)
        if row >= 0:
            self.known += 1
        else:
            self.unknown += 1
            self._named += [token] * (len(self._named) < _NAMED)
        return row

    def __str__(self) -> str:
        sentence = f"{self.known:,} of {self.known + self.unknown:,} {self._what}"
        if self.unknown:
            sentence += f", but not {', '.join(self._named)}{', …' * (self.unknown > len(self._named))}"
        return sentence
