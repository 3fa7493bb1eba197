"""fairseq's dictionaries, read and written without fairseq: which token each row of an embedding table stands for."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sse_nmt.system.atomic_files import atomic_write, read_lines
from sse_nmt.system.errors import UserError

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")  # what fairseq puts first; its files do not list them
END, UNKNOWN = 2, 3  # their rows
_FILLER = re.compile(r"madeupword\d{4,}")  # what Dictionary.pad_to_multiple_ appends
_OVERWRITE = " #fairseq:overwrite"
_MULTIPLE = 8  # of a dictionary's size, as fairseq makes it
_MOST = 2**63 - 1  # of a count; fairseq adds them up as 64-bit numbers


@dataclass(frozen=True)
class Vocabulary:
    """Row -> token and how often it stands in the training text."""

    tokens: tuple[str, ...]
    counts: tuple[int, ...]

    @classmethod
    def read(cls, path: Path) -> Vocabulary:
        """A dictionary as fairseq writes it, ``token count`` a line. Raises UserError for anything else."""
        if not path.is_file():
            raise UserError(f"{path} must be a fairseq dictionary, but there is no such file.")
        tokens, counts = list(SPECIAL), [1] * len(SPECIAL)
        lines = read_lines(path)
        for number, line in enumerate(lines, 1):
            token, _, count = line.removesuffix(_OVERWRITE).rpartition(" ")
            if not token or not _is_count(count):
                raise UserError(f"{path} must have `token count` on every line, but line {number} is {line!r}.")
            tokens.append(token)
            counts.append(int(count))
        if len(set(tokens)) < len(tokens) and not any(line.endswith(_OVERWRITE) for line in lines):
            twice = next(token for token, count in Counter(tokens).items() if count > 1)
            raise UserError(f"{path} must have each token once, but has {twice!r} again.")
        return cls(tuple(tokens), tuple(counts))

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def rows(self) -> dict[str, int]:
        """Token -> row, of words alone."""
        return {self.tokens[row]: row for row in self.words}

    @cached_property
    def words(self) -> list[int]:
        """The rows that can have neighbours: neither special symbols nor fillers."""
        return words_of(self.tokens, self.counts)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.tokens)

    def encode(self, pieces: Sequence[str]) -> NDArray[np.int64]:
        """Pieces -> rows, -1 for what is no word of this vocabulary."""
        rows = self.rows
        return np.array([rows.get(piece, -1) for piece in pieces], dtype=np.int64)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(_MOST)) and int(text) <= _MOST


def write_dictionary(path: Path, counts: Mapping[str, int]) -> None:
    """fairseq's dictionary of pieces, the most frequent first, filled up to a multiple of 8 as fairseq does."""
    ordered = sorted(counts, key=lambda piece: (-counts[piece], piece))  # in fairseq's order
    with atomic_write(path) as file:
        file.writelines(f"{piece} {counts[piece]}\n" for piece in ordered)
        file.writelines(f"madeupword{i:04d} 0\n" for i in range(-(len(ordered) + len(SPECIAL)) % _MULTIPLE))


def words_of(tokens: Sequence[str], counts: Sequence[int], special: int = len(SPECIAL)) -> list[int]:
    """Rows without the ``special`` first symbols and the fillers that round a dictionary's size up."""
    rows = range(special, len(tokens))
    return [row for row in rows if not (_FILLER.fullmatch(tokens[row]) and counts[row] == 0)]


def fingerprint(tokens: Sequence[str]) -> str:
    """SHA-256 of the tokens in their order."""
    return hashlib.sha256("\n".join(tokens).encode()).hexdigest()
