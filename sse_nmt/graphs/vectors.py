"""Vectors in word2vec's text format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sse_nmt.graphs.text_lines import numbered_lines
from sse_nmt.graphs.token_resolver import TokenResolver
from sse_nmt.graphs.whole_words import whole_words
from sse_nmt.system.errors import UserError
from sse_nmt.text.dictionary import Vocabulary

_DIGITS = 18  # of a number that says how many
_WIDEST = 10_000  # numbers; word2vec's and GloVe's have 50 to 1,000


def read_vectors(path: Path, vocabulary: Vocabulary, of_words: bool = False) -> tuple[Tensor, TokenResolver]:
    """(V, D), zeros for words that the file lacks, and which of its tokens were found.

    A line is ``token number …``; the first may say ``count width`` instead and is then held to it. Tokens are those
    of the vocabulary, ▁ included, or, with ``of_words``, words that are single pieces of it. What stands beside an
    unknown one is counted, not read.

    Raises:
        UserError: no such file, or anything in it is not as it should be; the sentence names the line.
    """
    resolver = (
        TokenResolver(whole_words(vocabulary), "words are single pieces")
        if of_words
        else TokenResolver(vocabulary.rows)
    )
    filled = np.zeros(len(vocabulary), dtype=np.bool_)
    table, promised, width, count = np.empty((0, 0), dtype=np.float32), None, 0, 0
    for number, line in numbered_lines(path, "a file of vectors"):
        token, *values = line.rstrip(" ").split(" ")
        if number == 1 and _says_size(token, values):
            promised, width = int(token), int(values[0])
            continue
        width = len(values) if number == 1 else width
        if not token or not values or len(values) != width:
            form = f"a token and {width or 'some'} numbers"
            raise UserError(f"{path} must have {form} on every line, but line {number} has {len(values)}.")
        if width > _WIDEST:
            raise UserError(f"{path} must have at most {_WIDEST:,} numbers a token, but has {width:,}.")
        if not count:  # only now is it known that somebody has so many numbers
            table = np.zeros((len(vocabulary), width), dtype=np.float32)
        count += 1
        row = resolver.find_once(token)
        if row >= 0 and filled[row]:
            raise UserError(f"{path} must have each token once, but line {number} has {token!r} again.")
        if row >= 0:
            filled[row], table[row] = True, _numbers(path, number, values)
    if not count or (promised is not None and promised != count):
        wanted = "vectors" if promised is None else f"{promised} vectors, as its first line says"
        raise UserError(f"{path} must hold {wanted}, but holds {count or 'none'}.")
    return torch.from_numpy(table), resolver


def _says_size(token: str, values: list[str]) -> bool:
    return len(values) == 1 and all(word.isdecimal() and len(word) <= _DIGITS for word in (token, values[0]))


def _numbers(path: Path, number: int, values: list[str]) -> NDArray[np.float32]:
    try:
        with np.errstate(over="ignore"):  # it becomes inf
            vector = np.array(values, dtype=np.float32)
    except ValueError:
        vector = np.full(len(values), np.nan, dtype=np.float32)
    if not np.isfinite(vector).all():
        raise UserError(f"{path} must have finite numbers, but line {number} has others.")
    return vector
