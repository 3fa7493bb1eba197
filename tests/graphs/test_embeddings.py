"""Nearest neighbours against a slow loop; checkpoints and files of vectors, sound and unsound."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from conftest import NO_OPTIONS
from small_graphs import edges_of, vocabulary

from sse_nmt.graphs import embeddings
from sse_nmt.graphs.embeddings import checkpoint_table, embedding_matrix, nearest
from sse_nmt.graphs.options import EmbeddingOptions
from sse_nmt.graphs.vectors import read_vectors
from sse_nmt.system.atomic_files import write_lines
from sse_nmt.system.errors import UserError

WORDS = vocabulary("a", "b", "c")
KEY = "decoder.embed_tokens.weight"


def by_hand(table: torch.Tensor, rows: list[int], options: EmbeddingOptions) -> dict[tuple[int, int], float]:
    found = {}
    for row in rows:
        near = []
        for other in rows:
            one, two = table[row].double().tolist(), table[other].double().tolist()
            lengths = math.hypot(*one) * math.hypot(*two)
            if other != row and lengths > 0:
                near.append((sum(x * y for x, y in zip(one, two, strict=True)) / lengths, other))
        found |= {
            (row, other): cosine
            for cosine, other in sorted(near)[-options.max_neighbours :]
            if cosine > options.min_weight
        }
    return found


@pytest.mark.parametrize("at_once", [1, 100, 1 << 24], ids=["row by row", "blocks", "at once"])
@pytest.mark.parametrize(
    "options", [EmbeddingOptions(), EmbeddingOptions(max_neighbours=2, min_weight=0.0)], ids=["usual", "two"]
)
def test_neighbours_are_the_nearest(monkeypatch, at_once, options):
    monkeypatch.setattr(embeddings, "_AT_ONCE", at_once)
    table = torch.randn(40, 4, generator=torch.Generator().manual_seed(1))
    table[7] = 0
    rows = list(range(4, 36))
    found = nearest(table, rows, options).tocoo()
    wanted = by_hand(table, rows, options)
    pairs = list(zip(*(ends.tolist() for ends in found.coords), strict=True))
    assert dict(zip(pairs, found.data.tolist(), strict=True)) == pytest.approx(wanted, abs=1e-6)
    assert wanted and not any(7 in pair for pair in pairs)


def test_vectors_of_words_are_those_of_pieces_that_are_words(tmp_path):
    words = vocabulary("▁a", "a", "▁b", "c")
    write_lines(tmp_path / "vectors", ["a 1 0", "b 0 1", "c 1 1"])
    table, resolver = read_vectors(tmp_path / "vectors", words, of_words=True)
    assert table[4:].tolist() == [[1, 0], [0, 0], [0, 1], [0, 0]]
    assert str(resolver) == "2 of 3 words are single pieces, but not c"
    table, _ = read_vectors(tmp_path / "vectors", words)
    assert table[4:].tolist() == [[0, 0], [1, 0], [0, 0], [1, 1]]


def test_weights_are_at_most_one():
    table = torch.randn(1, 300, generator=torch.Generator().manual_seed(3)).repeat(50, 1) * torch.arange(50)[:, None]
    assert 0.999 < nearest(table, range(50), EmbeddingOptions()).data.min() <= 1.0
    assert nearest(table, range(50), EmbeddingOptions()).data.max() <= 1.0


def test_too_few_rows_for_neighbours():
    for rows in ([], [4]):
        assert nearest(torch.ones(7, 2), rows, EmbeddingOptions()).nnz == 0


def test_a_checkpoint(tmp_path):
    path = tmp_path / "checkpoint.pt"
    table = torch.tensor([[1.0, 0], [0, 1], [1, 1], [2, 1], [1.0, 0], [0, 1], [1, 1]]).half()
    torch.save({"model": {KEY: table}, "cfg": NO_OPTIONS}, path)
    matrix, resolver = embedding_matrix(path, None, WORDS, WORDS.words, EmbeddingOptions(part="decoder"))
    root = round(0.5**0.5, 6)
    assert edges_of(matrix, WORDS) == pytest.approx(
        {("a", "c"): root, ("b", "c"): root, ("c", "a"): root, ("c", "b"): root}, abs=1e-5
    )
    assert resolver is None


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({}, f"must hold `{KEY}`, but does not."),
        ({KEY: torch.ones(8, 2)}, "must have a row for each of 7 tokens, but has 8 rows."),
        ({KEY: torch.full((7, 2), math.nan)}, "must have finite embeddings, but has others."),
    ],
)
def test_checkpoints_of_another_kind_are_refused(tmp_path, model, sentence):
    path = tmp_path / "checkpoint.pt"
    torch.save({"model": model, "cfg": NO_OPTIONS}, path)
    with pytest.raises(UserError) as error:
        checkpoint_table(path, "decoder", WORDS)
    assert str(error.value) == f"{path} {sentence}"


@pytest.mark.parametrize("header", [[], ["4 2"]], ids=["without a header", "with a header"])
def test_vectors(tmp_path, header):
    path = tmp_path / "vectors.txt"
    write_lines(path, [*header, "a 1 0.5", "unknown 3 4", "<pad> 1 1", "c -1e-1 0 "])
    table, resolver = read_vectors(path, WORDS)
    assert torch.equal(table, torch.tensor([[0.0, 0]] * 4 + [[1, 0.5], [0, 0], [-0.1, 0]]))
    assert str(resolver) == "2 of 4 tokens are in the dictionary, but not unknown, <pad>"
    _, same = embedding_matrix(None, path, WORDS, WORDS.words, EmbeddingOptions())
    assert (same.known, same.unknown) == (2, 2)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["a 1 2", "b 1"], "must have a token and 2 numbers on every line, but line 2 has 1."),
        (["a 1 2", ""], "must have a token and 2 numbers on every line, but line 2 has 0."),
        (["1 3", "a 1 2"], "must have a token and 3 numbers on every line, but line 2 has 2."),
        (["1 99999999999", "a 1 2"], "must have a token and 99999999999 numbers on every line, but line 2 has 2."),
        (["a"], "must have a token and some numbers on every line, but line 1 has 0."),
        (["a 1 2", "b 1 2", "a 1 2"], "must have each token once, but line 3 has 'a' again."),
        (["a 1 2", "b 1 nan"], "must have finite numbers, but line 2 has others."),
        (["a 1 1e99"], "must have finite numbers, but line 1 has others."),
        (["a 1 x"], "must have finite numbers, but line 1 has others."),
        (["2 2", "a 1 2"], "must hold 2 vectors, as its first line says, but holds 1."),
        (["3 2"], "must hold 3 vectors, as its first line says, but holds none."),
        ([], "must hold vectors, but holds none."),
        (None, "must be a file of vectors, but there is no such file."),
    ],
)
def test_what_are_no_vectors_is_refused(tmp_path: Path, lines, sentence):
    path = tmp_path / "vectors.txt"
    if lines is not None:
        write_lines(path, lines)
    with pytest.raises(UserError) as error:
        read_vectors(path, WORDS)
    assert str(error.value) == f"{path} {sentence}"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"part": "middle"}, "`--part` must be one of encoder, decoder, but is 'middle' instead."),
        ({"max_neighbours": 0}, "`--max-neighbours` must be at least 1, but is 0 instead."),
        ({"min_weight": -0.1}, "`--min-weight` must be in [0, 1), but is -0.1 instead."),
        ({"min_weight": 1.0}, "`--min-weight` must be in [0, 1), but is 1.0 instead."),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_read(options, sentence):
    with pytest.raises(UserError) as error:
        embedding_matrix(Path("none"), None, WORDS, WORDS.words, EmbeddingOptions(**options))
    assert str(error.value) == sentence
