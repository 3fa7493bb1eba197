"""Which tokens of a vocabulary are words by themselves."""

from __future__ import annotations

from sse_nmt.text.dictionary import Vocabulary

MARK = "▁"  # what SentencePiece puts where a word starts


def whole_words(vocabulary: Vocabulary) -> dict[str, int]:
    """Word -> row: of the pieces that start a word, without the mark; of all tokens where none has a mark."""
    marked = {token.removeprefix(MARK): row for token, row in vocabulary.rows.items() if token.startswith(MARK)}
    marked.pop("", None)
    return marked or vocabulary.rows


def spelled(token: str) -> str:
    """A token as people write it."""
    return token.removeprefix(MARK)
