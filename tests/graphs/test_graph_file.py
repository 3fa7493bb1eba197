"""Graph files: there and back, what is refused in one sentence, and any bytes at all."""

from __future__ import annotations

import io
import os
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sse_nmt.graphs.graph_file import GraphFile, load_graph, save_graph
from sse_nmt.methods.sse import KnowledgeGraph
from sse_nmt.system.errors import UserError

TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "▁the", "▁a", "▁house", "ß")


def graph(weighted: bool = True, candidates: bool = True) -> KnowledgeGraph:
    made = KnowledgeGraph.from_edges(
        8, torch.tensor([4, 5, 6]), torch.tensor([5, 6, 4]), torch.tensor([0.5, 1, 0.25]) if weighted else None,
        symmetric=True,
    )  # fmt: skip
    return KnowledgeGraph(
        made.offsets, made.neighbours, made.weights, torch.arange(8) > 3 if candidates else None, True
    )


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_graph(tmp_path / "graph.npz", GraphFile(graph(), TOKENS, {"builder": "edges"}))
    return tmp_path / "graph.npz"


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("candidates", [True, False])
def test_there_and_back(tmp_path, weighted, candidates):
    path, made = tmp_path / "folder/graph.npz", graph(weighted, candidates)
    save_graph(path, GraphFile(made, TOKENS, {"builder": "ß"}))
    read = load_graph(path)
    assert read.tokens == TOKENS and read.about == {"builder": "ß"} and read.graph.symmetric
    for name in ("offsets", "neighbours", "weights", "candidates"):
        before, after = getattr(made, name), getattr(read.graph, name)
        assert (before is None and after is None) or (torch.equal(before, after) and before.dtype == after.dtype)
    assert [entry.name for entry in path.parent.iterdir()] == ["graph.npz"]
    first = path.read_bytes()
    save_graph(path, GraphFile(made, TOKENS, {"builder": "ß"}))
    assert path.read_bytes() == first  # no time of day in it


def test_the_wrong_dictionary(saved):
    file = load_graph(saved)
    file.check_tokens(saved, TOKENS, "dict.txt")
    for tokens, rest in [
        ((*TOKENS, "x"), "which has 9 rows, but is for 8 rows."),
        ((*TOKENS[:5], "▁an", *TOKENS[6:]), "whose row 5 is '▁an', but is for one where it is '▁a'."),
    ]:
        with pytest.raises(UserError) as error:
            file.check_tokens(saved, tokens, "dict.txt")
        assert str(error.value) == f"{saved} must be a graph over dict.txt, {rest}"


CHANGES = {
    "its 'offsets' is no vector of <i8": {"offsets": np.zeros(9, "<i4")},
    "its 'neighbours' is no vector of <i4": {"neighbours": np.zeros((2, 3), "<i4")},
    "it is damaged: `offsets` must not descend, but does": {"offsets": np.array([0, 0, 0, 0, 0, 5, 4, 6, 6])},
    "it is damaged: `neighbours` must be in [0, 8), but 9 is among them": {
        "neighbours": np.array([5, 6, 4, 6, 4, 9], "<i4")
    },
    "it is damaged: `weights` must be in (0, 1], but inf is among them": {
        "weights": np.array([1, 1, 1, 1, 1, np.inf], "<f4")
    },
    "it is damaged: A symmetric graph must have every edge both ways and of one weight, but this one has not": {
        "weights": np.linspace(0.1, 1, 6, dtype="<f4")
    },
    "its 'candidates' must hold only 0 and 1": {"candidates": np.arange(8, dtype="|u1")},
    "its 'symmetric' must hold only 0 and 1": {"symmetric": np.zeros(2, "|u1")},
    "is of version [3], not [2]": {"version": np.array([3], "<i8")},
    "its arrays are not those that were written together": {"weights": None},
    "has 2 tokens for 8 rows": {"tokens": np.frombuffer(b"a\nb", "|u1")},
    "its tokens do not have its fingerprint": {"fingerprint": np.zeros(32, "|u1")},
    "its 'about' is no JSON object": {"about": np.frombuffer(b"[]", "|u1")},
    "holds 'more', which no graph has": {"more": np.zeros(1, "<i8")},
    "holds no 'tokens'": {"tokens": None},
}


@pytest.mark.parametrize(("reason", "change"), CHANGES.items(), ids=CHANGES)
def test_wrong_arrays(saved, reason, change):
    changed = {name: array for name, array in {**arrays(saved), **change}.items() if array is not None}
    np.savez(saved, **changed)
    with pytest.raises(UserError) as error:
        load_graph(saved)
    assert str(error.value) == f"{saved} must be a graph file, but {reason}."


def test_no_file_and_no_archive(tmp_path, saved):
    cases = {"none": None, "text": b"a graph", "cut": saved.read_bytes()[:-30], "empty": b""}
    for name, content in cases.items():
        path = tmp_path / name
        reason = "there is no such file"
        if content is not None:
            path.write_bytes(content)
            reason = "is no .npz archive, or a damaged one"
        with pytest.raises(UserError) as error:
            load_graph(path)
        assert str(error.value) == f"{path} must be a graph file, but {reason}."


def test_pickles_and_compressed_arrays_are_refused(saved):
    whole = arrays(saved)
    np.savez_compressed(saved, **whole)
    with pytest.raises(UserError, match="is compressed, or longer than the file"):
        load_graph(saved)
    np.savez(saved, **{**whole, "about": np.array([{"a": 1}], dtype=object)})
    with pytest.raises(UserError, match="its 'about' is no vector of"):
        load_graph(saved)


def test_a_header_that_promises_more_than_there_is(saved):
    """Taken at its word it would ask for 8 TB."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<i8", "fortran_order": False, "shape": (10**12,)})
    with zipfile.ZipFile(saved) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(saved, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, header.getvalue() if name == "offsets.npy" else content)
    with pytest.raises(UserError, match="its 'offsets' is of another length than it says"):
        load_graph(saved)


def valid_bytes() -> bytes:
    path = Path(f"/tmp/graph-{os.getpid()}.npz")
    try:
        save_graph(path, GraphFile(graph(), TOKENS))
        return path.read_bytes()
    finally:
        path.unlink(missing_ok=True)


VALID = valid_bytes()
cuts = st.integers(0, len(VALID)).map(lambda end: VALID[:end])
flips = st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), min_size=1, max_size=8)


def flipped(changes: list[tuple[int, int]]) -> bytes:
    data = bytearray(VALID)
    for place, value in changes:
        data[place] = value
    return bytes(data)


@st.composite
def replaced_arrays(draw: st.DrawFn) -> bytes:
    """A sound archive of arrays that are not: what a checksum would not find."""
    with np.load(io.BytesIO(VALID)) as archive:
        whole = dict(archive)
    name = draw(st.sampled_from(sorted(whole)))
    kind = draw(st.sampled_from([whole[name].dtype.str, "<i8", "<f4", "|u1", "<f8", "<U3"]))
    content = draw(st.binary(max_size=100))
    content = content[: len(content) // np.dtype(kind).itemsize * np.dtype(kind).itemsize]
    whole[name] = np.frombuffer(content, kind)
    output = io.BytesIO()
    np.savez(output, **whole)
    return output.getvalue()


@settings(max_examples=600, deadline=2000, derandomize=True)
@example(VALID)
@given(st.one_of(st.binary(max_size=300), cuts, flips.map(flipped), replaced_arrays()))
def test_any_bytes_are_a_valid_graph_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "fuzzed.npz"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        file = load_graph(path)
    except UserError as error:
        assert str(error).startswith(f"{path} must be a graph file, but ") and "\n" not in str(error)
    else:
        made = file.graph
        KnowledgeGraph(made.offsets, made.neighbours, made.weights, made.candidates, made.symmetric)
        assert len(file.tokens) == made.rows
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2**20 + 20 * len(data)
