"""A knowledge graph with the vocabulary it is for, in one .npz that is checked whole before it is believed."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sse_nmt.methods.sse import KnowledgeGraph
from sse_nmt.system.archives import disk_error
from sse_nmt.system.atomic_files import atomic_write
from sse_nmt.system.errors import UserError
from sse_nmt.text.dictionary import fingerprint

_VERSION = 2
_OLDER = 1  # without a digest
_TYPES = {
    "version": "<i8", "offsets": "<i8", "neighbours": "<i4", "weights": "<f4", "candidates": "|u1", "symmetric": "|u1",
    "tokens": "|u1", "fingerprint": "|u1", "about": "|u1", "digest": "|u1",
}  # fmt: skip
_OPTIONAL = {"weights", "candidates", "digest"}
_LONGEST_HEADER = 1000  # bytes; ours have 118


@dataclass(frozen=True)
class GraphFile:
    """``about``: how the graph was built, for people."""

    graph: KnowledgeGraph
    tokens: tuple[str, ...]  # row -> token
    about: dict[str, Any] = field(default_factory=dict)

    def check_tokens(self, path: Path, tokens: Sequence[str], dictionary: str) -> None:
        """Raise UserError if the graph is for other tokens than those of ``dictionary``."""
        if fingerprint(self.tokens) == fingerprint(tokens):
            return
        rule = f"{path} must be a graph over {dictionary}"
        if len(self.tokens) != len(tokens):
            raise UserError(f"{rule}, which has {len(tokens)} rows, but is for {len(self.tokens)} rows.")
        row = next(row for row, pair in enumerate(zip(self.tokens, tokens, strict=True)) if pair[0] != pair[1])
        raise UserError(f"{rule}, whose row {row} is {tokens[row]!r}, but is for one where it is {self.tokens[row]!r}.")


class _Damaged(Exception):
    """Why a file is no graph; the end of a sentence."""


def save_graph(path: Path, file: GraphFile) -> None:
    graph = file.graph
    arrays = {
        "version": np.array([_VERSION], "<i8"),
        "offsets": graph.offsets.numpy().astype("<i8"),
        "neighbours": graph.neighbours.numpy().astype("<i4"),
        "symmetric": np.array([graph.symmetric], "|u1"),
        "tokens": _bytes("\n".join(file.tokens).encode()),
        "fingerprint": _bytes(bytes.fromhex(fingerprint(file.tokens))),
        "about": _bytes(json.dumps(file.about, ensure_ascii=False).encode()),
    }
    if graph.weights is not None:
        arrays["weights"] = graph.weights.numpy().astype("<f4")
    if graph.candidates is not None:
        arrays["candidates"] = graph.candidates.numpy().astype("|u1")
    with atomic_write(path, "wb") as output:
        np.savez(output, allow_pickle=False, digest=_digest(arrays), **arrays)


def load_graph(path: Path) -> GraphFile:
    """Read what `save_graph` wrote. Memory is bounded by the size of the file, whatever is in it.

    Raises:
        UserError: there is no such file, or anything in it is not as it should be.
    """
    if not path.is_file():
        raise UserError(f"{path} must be a graph file, but there is no such file.")
    try:
        with open(path, "rb") as file:
            return _interpret(_read_arrays(file, path.stat().st_size))
    except _Damaged as error:
        raise UserError(f"{path} must be a graph file, but {error}.") from error


def _read_arrays(file: io.BufferedReader, size: int) -> dict[str, NDArray[Any]]:
    """The arrays of the archive by their names, each of its expected type."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            _check_members(members, len(archive.infolist()), size)
            return {name: _array(name, archive.read(info)) for name, info in members.items()}
    except (MemoryError, _Damaged):
        raise
    except Exception as error:  # the library's reading of arbitrary bytes ends in a dozen ways
        found = disk_error(error)
        if found is not None:
            raise found from None
        raise _Damaged("is no .npz archive, or a damaged one") from error


def _check_members(members: dict[str, zipfile.ZipInfo], count: int, size: int) -> None:
    if unknown := members.keys() - _TYPES.keys():
        raise _Damaged(f"holds {min(unknown)!r}, which no graph has")
    if missing := _TYPES.keys() - _OPTIONAL - members.keys():
        raise _Damaged(f"holds no {min(missing)!r}")
    if count != len(members):
        raise _Damaged("holds an array twice")
    for name, info in members.items():
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.file_size > size:
            raise _Damaged(f"its {name!r} is compressed, or longer than the file")


def _array(name: str, data: bytes) -> NDArray[Any]:
    """A vector in numpy's format, whose header is compared with what is there before it is believed."""
    file = io.BytesIO(data)
    try:
        if np.lib.format.read_magic(file) != (1, 0):
            raise _Damaged(f"its {name!r} is of another format")
        shape, _, kind = np.lib.format.read_array_header_1_0(file, max_header_size=_LONGEST_HEADER)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, OverflowError) as error:
        raise _Damaged(f"its {name!r} is damaged") from error
    if kind != np.dtype(_TYPES[name]) or len(shape) != 1:
        raise _Damaged(f"its {name!r} is no vector of {_TYPES[name]}")
    if math.prod(shape) * kind.itemsize != len(data) - file.tell():
        raise _Damaged(f"its {name!r} is of another length than it says")
    return np.load(io.BytesIO(data), allow_pickle=False)


def _interpret(arrays: dict[str, NDArray[Any]]) -> GraphFile:
    version = arrays["version"].tolist()
    if version not in ([_VERSION], [_OLDER]):
        raise _Damaged(f"is of version {version}, not [{_VERSION}]")
    try:
        tokens = tuple(arrays["tokens"].tobytes().decode().split("\n"))
        about = json.loads(arrays["about"].tobytes().decode())
        graph = KnowledgeGraph(
            torch.from_numpy(arrays["offsets"]),
            torch.from_numpy(arrays["neighbours"]),
            torch.from_numpy(arrays["weights"]) if "weights" in arrays else None,
            _flags("candidates", arrays["candidates"]) if "candidates" in arrays else None,
            bool(_flags("symmetric", arrays["symmetric"], 1)),
        )
    except (ValueError, RecursionError) as error:  # of Unicode and JSON as well
        raise _Damaged(f"it is damaged: {str(error).rstrip('.')}") from error
    if len(tokens) != graph.rows:
        raise _Damaged(f"has {len(tokens)} tokens for {graph.rows} rows")
    if arrays["fingerprint"].tobytes().hex() != fingerprint(tokens):
        raise _Damaged("its tokens do not have its fingerprint")
    if not isinstance(about, dict):
        raise _Damaged("its 'about' is no JSON object")
    if not _is_whole(version, arrays):
        raise _Damaged("its arrays are not those that were written together")
    return GraphFile(graph, tokens, about)


def _is_whole(version: list[int], arrays: dict[str, NDArray[Any]]) -> bool:
    rest = {name: array for name, array in arrays.items() if name != "digest"}
    if version == [_OLDER]:
        return rest.keys() == arrays.keys()
    return "digest" in arrays and arrays["digest"].tobytes() == _digest(rest).tobytes()


def _digest(arrays: dict[str, NDArray[Any]]) -> NDArray[np.uint8]:
    """SHA-256 over names and contents: one that is lost, optional or not, is missed."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {len(array)}\n".encode())
        digest.update(array.tobytes())
    return _bytes(digest.digest())


def _flags(name: str, values: NDArray[np.uint8], length: int | None = None) -> Tensor:
    if (values > 1).any() or (length is not None and len(values) != length):
        raise _Damaged(f"its {name!r} must hold only 0 and 1")
    return torch.from_numpy(values.astype(np.bool_))


def _bytes(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, dtype=np.uint8)
