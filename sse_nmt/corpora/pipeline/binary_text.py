"""Text in ids: blocks of it, a text in a model's ids, and fairseq's binary form."""

from __future__ import annotations

import shutil
import struct
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sse_nmt.text.dictionary import END, UNKNOWN, Vocabulary

_MAGIC = b"MMIDIDX\x00\x00"
_VERSION = 1
_TYPES = {np.dtype(np.uint16): 8, np.dtype(np.uint32): 9}  # as fairseq counts them
_MOST_IN_TWO_BYTES = 65_500  # entries of a dictionary, as fairseq has it


class IdBlock(NamedTuple):
    ids: NDArray[np.int32]  # of all lines, one after the other, each with its end
    lengths: NDArray[np.int32]  # of the lines, with it

    @classmethod
    def of(cls, lines: Sequence[Sequence[int]], end: int) -> IdBlock:
        lengths = np.fromiter((len(line) + 1 for line in lines), np.int32, len(lines))
        ids = chain.from_iterable(chain(line, (end,)) for line in lines)
        return cls(np.fromiter(ids, np.int32, int(lengths.sum())), lengths)

    def first(self, lines: int) -> IdBlock:
        lengths = self.lengths[:lines]
        return IdBlock(self.ids[: lengths.sum()], lengths)

    @property
    def tokens(self) -> int:
        """Without the ends."""
        return len(self.ids) - len(self.lengths)


class ModelIds:
    """A text in the ids of a model of ``pieces``, after which comes that of the end of a line.

    Kept in a file without a name in ``folder``, until it is known which row of a dictionary each piece gets.
    """

    def __init__(self, pieces: Sequence[str], folder: Path) -> None:
        self._pieces = pieces
        self._file = tempfile.TemporaryFile(dir=folder)
        self._lengths: list[NDArray[np.int32]] = []
        self.counts = np.zeros(len(pieces), np.int64)  # of each piece

    @property
    def end(self) -> int:
        return len(self._pieces)

    def add(self, block: IdBlock) -> None:
        self._file.write(block.ids.tobytes())
        self._lengths.append(block.lengths)
        self.counts += np.bincount(block.ids, minlength=self.end + 1)[: self.end]

    def write(self, prefix: Path, vocabulary: Vocabulary) -> None:
        """In rows of the dictionary, as `write_binary` does; what it lacks is unknown."""
        rows = np.array([*(vocabulary.rows.get(piece, UNKNOWN) for piece in self._pieces), END], np.int32)
        self._file.seek(0)
        write_binary(prefix, len(vocabulary), (IdBlock(rows[ids], lengths) for ids, lengths in self._blocks()))

    def _blocks(self) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        for lengths in self._lengths:
            yield np.fromfile(self._file, np.int32, int(lengths.sum())), lengths


def write_binary(prefix: Path, size: int, blocks: Iterable[IdBlock]) -> None:
    """PREFIX.bin and PREFIX.idx for fairseq's `MMapIndexedDataset`, of a dictionary of ``size`` entries."""
    dtype = np.dtype(np.uint16 if size < _MOST_IN_TWO_BYTES else np.uint32)
    lengths = [np.zeros(0, np.int32)]
    with open(prefix.with_name(f"{prefix.name}.bin"), "wb") as file:
        for block in blocks:
            file.write(block.ids.astype(dtype).tobytes())
            lengths.append(block.lengths)
    sizes = np.concatenate(lengths)
    starts = np.zeros(len(sizes), np.int64)
    np.cumsum(sizes[:-1].astype(np.int64) * dtype.itemsize, out=starts[1:])
    with open(prefix.with_name(f"{prefix.name}.idx"), "wb") as file:
        file.write(_MAGIC + struct.pack("<QBQ", _VERSION, _TYPES[dtype], len(sizes)))
        file.write(sizes.tobytes() + starts.tobytes())


def copy_dictionary(dictionary: Path, folder: Path, languages: tuple[str, str]) -> None:
    """For both sides, as fairseq wants it beside binary text."""
    for name in dictionary_files(languages):
        shutil.copyfile(dictionary, folder / name)


def binary_files(split: str, languages: tuple[str, str]) -> list[str]:
    """Their names, of both sides of a split."""
    return [f"{split_prefix(split, languages, side)}.{kind}" for side in languages for kind in ("bin", "idx")]


def split_prefix(split: str, languages: tuple[str, str], side: str) -> str:
    return f"{split}.{'-'.join(languages)}.{side}"


def dictionary_files(languages: tuple[str, str]) -> list[str]:
    return [f"dict.{language}.txt" for language in languages]
