"""Paraphrases through the other language: the formula by a slow loop, and the whole way on a text of our own."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from toy_corpus import sentences

from sse_nmt.graphs.alignment import count_links
from sse_nmt.graphs.options import PivotOptions
from sse_nmt.graphs.pivot import pivot_matrix, pivot_of_links
from sse_nmt.system.atomic_files import write_lines
from sse_nmt.system.errors import UserError
from sse_nmt.text.dictionary import SPECIAL, Vocabulary


def vocabulary(*tokens: str) -> Vocabulary:
    return Vocabulary((*SPECIAL, *tokens), (1,) * (len(SPECIAL) + len(tokens)))


def by_hand(links: np.ndarray, side: str, max_neighbours: int, min_weight: float) -> np.ndarray:
    """p(e'|e) = sum over f of t(f|e) t(e'|f), written out."""
    size = len(links)
    sides = {"source": [links], "target": [links.T], "both": [links, links.T]}[side]
    in_all = np.sum([each.sum(1) for each in sides], axis=0)
    found = np.zeros((size, size))
    for each in sides:
        for e in range(size):
            for other in range(size):
                if e == other or each[e].sum() == 0:
                    continue
                p = sum(
                    each[e, f] / each[e].sum() * each[other, f] / each[:, f].sum() for f in range(size) if each[e, f]
                )
                found[e, other] += p * each[e].sum() / in_all[e]
    found[found < min_weight] = 0
    for row in found:
        row[np.argsort(-row, kind="stable")[max_neighbours:]] = 0
    return found


@pytest.mark.parametrize("side", ["source", "target", "both"])
@pytest.mark.parametrize(("max_neighbours", "min_weight"), [(10, 0.0), (2, 0.05)])
def test_pivoting_is_the_formula(side, max_neighbours, min_weight):
    links = np.random.default_rng(3).poisson(0.7, (12, 12)) * np.random.default_rng(4).integers(2, 9, (12, 12))
    options = PivotOptions(side=side, max_neighbours=max_neighbours, min_weight=min_weight)
    found = pivot_of_links(sparse.csr_array(links.astype(np.float32)), options).toarray()
    assert np.allclose(found, by_hand(links, side, max_neighbours, min_weight), atol=1e-6)


def test_a_pair_of_tokens_linked_once_does_not_count():
    links = sparse.csr_array(np.array([[0, 0, 1], [0, 0, 5], [0, 0, 0]], dtype=np.float32))
    assert pivot_of_links(links, PivotOptions(side="source")).nnz == 0


@pytest.fixture(scope="module")
def bitext(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Vocabulary]:
    """Words for pieces; each noun now and then said otherwise in English: doggy is a dog is a Hund."""
    folder = tmp_path_factory.mktemp("bitext")
    english, german = zip(*sentences(200), strict=True)
    said = [line.replace("dog", "doggy") if number % 2 else line for number, line in enumerate(english)]
    write_lines(folder / "text.en", said)
    write_lines(folder / "text.de", german)
    tokens = dict.fromkeys(word for line in (*said, *german) for word in line.split())
    return folder / "text.en", folder / "text.de", vocabulary(*tokens)


def test_two_words_for_one_are_neighbours(bitext):
    source, target, words = bitext
    matrix = pivot_matrix(source, target, words, PivotOptions(side="source"))
    neighbours = {token: matrix[[words.rows[token]], :].indices.tolist() for token in ("dog", "doggy", "child")}
    assert words.rows["doggy"] == neighbours["dog"][0] and words.rows["dog"] in neighbours["doggy"]
    assert matrix.data.min() > 0 and matrix.data.max() <= 1
    english = {row for row in range(4, len(words)) if words.tokens[row].isascii()}
    assert set(matrix.tocoo().coords[0].tolist()) <= english


def test_links_are_counted_the_same_each_time_and_unknown_tokens_left_out(bitext):
    source, target, words = bitext
    encode = [
        [words.encode(line.split()).astype(np.int32) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in (source, target)
    ]
    encode[0][0][:] = -1
    one, other = (count_links(list(zip(*encode, strict=True)), len(words)) for _ in range(2))
    assert (one != other).nnz == 0 and one.sum() > 500
    assert one[words.rows["dog"], words.rows["Hund"]] >= 10


def test_a_sample_is_aligned(bitext, monkeypatch):
    source, target, words = bitext
    seen = []
    monkeypatch.setattr(
        "sse_nmt.graphs.pivot.count_links", lambda pairs, rows: seen.append(pairs) or sparse.csr_array((rows, rows))
    )
    for seed in (1, 1, 2):
        pivot_matrix(source, target, words, PivotOptions(sample=20, seed=seed))
    one, same, other = ([pair[0].tolist() for pair in pairs] for pairs in seen)
    assert len(one) == 20 and one == same and one != other


def test_without_the_aligner_it_is_named(bitext, monkeypatch):
    monkeypatch.setitem(sys.modules, "thot", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError) as error:
        pivot_matrix(*bitext, PivotOptions())
    assert str(error.value) == (
        "`graph build pivot` needs sil-thot, which is not installed (pip install 'sse_nmt[graphs]')."
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"side": "left"}, "`--side` must be one of source, target, both, but is 'left' instead."),
        ({"max_neighbours": 0}, "`--max-neighbours` must be at least 1, but is 0 instead."),
        ({"sample": 0}, "`--sample` must be at least 1, but is 0 instead."),
        ({"min_weight": 2.0}, "`--min-weight` must be in [0, 1], but is 2.0 instead."),
    ],
)
def test_options_that_cannot_be_are_refused(bitext, options, sentence):
    with pytest.raises(UserError) as error:
        pivot_matrix(*bitext, PivotOptions(**options))
    assert str(error.value) == sentence


def test_texts_that_cannot_be_are_refused(bitext, tmp_path):
    source, target, words = bitext
    write_lines(tmp_path / "short", ["a"])
    (tmp_path / "empty").touch()
    for files, sentence in [
        ((tmp_path / "none", target), f"{tmp_path}/none must be a segmented text, but there is no such file."),
        (
            (tmp_path / "short", target),
            f"{tmp_path}/short and {target} must have as many lines, but have 1 and 200.",
        ),
        ((tmp_path / "empty", tmp_path / "empty"), f"{tmp_path}/empty must hold at least one pair, but holds none."),
    ]:
        with pytest.raises(UserError) as error:
            pivot_matrix(*files, words, PivotOptions())
        assert str(error.value) == sentence
