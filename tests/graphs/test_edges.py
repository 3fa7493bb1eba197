"""Edges and word lists of the user's own, and which rows take part."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_graphs import both_ways, edges_of, vocabulary

from sse_nmt.graphs.candidates import tokens_in
from sse_nmt.graphs.edges import edges_matrix
from sse_nmt.graphs.lexicon import lexicon_matrix
from sse_nmt.system.atomic_files import write_lines
from sse_nmt.system.errors import UserError
from sse_nmt.text.dictionary import Vocabulary

WORDS = vocabulary("▁big", "▁large", "large", "▁groß", "er")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.tsv"


def test_edges_as_the_user_has_them(file):
    write_lines(file, ["▁big\t▁large\t0.5", "▁large\t▁big\t0.75", "large\ter", "▁big\t▁big", "▁big\t<pad>"])
    one_way, resolver = edges_matrix(file, WORDS, one_way=True)
    wanted = {("▁big", "▁large"): 0.5, ("▁large", "▁big"): 0.75, ("large", "er"): 1.0}
    assert edges_of(one_way, WORDS) == wanted
    assert edges_of(edges_matrix(file, WORDS)[0], WORDS) == both_ways({**wanted, ("▁big", "▁large"): 0.75})
    assert str(resolver) == "4 of 5 tokens are in the dictionary, but not <pad>"


def test_unknown_tokens_are_counted_once_and_the_first_named(file):
    write_lines(file, [f"▁big\t{token}" for token in "abcdefgab"])
    matrix, resolver = edges_matrix(file, WORDS)
    assert matrix.nnz == 0 and (resolver.known, resolver.unknown) == (1, 7)
    assert str(resolver) == "1 of 8 tokens are in the dictionary, but not a, b, c, d, e, …"
    write_lines(file, ["▁big\ter"])
    assert str(edges_matrix(file, WORDS)[1]) == "2 of 2 tokens are in the dictionary"


def test_words_are_looked_up_as_whole_words(file):
    write_lines(file, ["big\tlarge", "big\tgroß", "Big\tlarge", "er\tlarge", "▁big\tgroß"])
    matrix, resolver = lexicon_matrix(file, WORDS)
    assert edges_of(matrix, WORDS) == both_ways({("▁big", "▁large"): 1.0, ("▁big", "▁groß"): 1.0})
    assert str(resolver) == "3 of 6 words are single pieces, but not Big, er, ▁big"


def test_a_vocabulary_without_pieces_is_one_of_words(file):
    write_lines(file, ["big\tlarge"])
    words = vocabulary("big", "large")
    assert edges_of(lexicon_matrix(file, words)[0], words) == both_ways({("big", "large"): 1.0})


def test_only_words_of_a_text_take_part(file):
    write_lines(file, ["▁big er <pad> ▁huge madeupword0000", "", "er ▁groß"])
    words = Vocabulary((*WORDS.tokens, "madeupword0000"), (*WORDS.counts, 0))
    assert [words.tokens[row] for row in tokens_in(file, words).nonzero()[0]] == ["▁big", "▁groß", "er"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a\tb\na", "must have `token<TAB>token[<TAB>weight]` on every line, but line 2 is 'a'."),
        ("a\t", "must have `token<TAB>token[<TAB>weight]` on every line, but line 1 is 'a\\t'."),
        ("a\tb\t1\t1", "must have `token<TAB>token[<TAB>weight]` on every line, but line 1 is 'a\\tb\\t1\\t1'."),
        ("a\tb\n\na\tb", "must have `token<TAB>token[<TAB>weight]` on every line, but line 2 is ''."),
        ("a\tb\t0", "must have weights in (0, 1], but that of line 1 is '0'."),
        ("a\tb\t1e-50", "must have weights in (0, 1], but that of line 1 is '1e-50'."),
        ("a\tb\t1.5", "must have weights in (0, 1], but that of line 1 is '1.5'."),
        ("a\tb\tnan", "must have weights in (0, 1], but that of line 1 is 'nan'."),
        ("a\tb\tmuch", "must have weights in (0, 1], but that of line 1 is 'much'."),
        ("a\tb\ta\udcff", "must be UTF-8 text, but its line 1 is not."),
        (None, "must be a list of edges, but there is no such file."),
    ],
)
def test_what_is_no_list_of_edges_is_refused(file, content, sentence):
    if content is not None:
        file.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(UserError) as error:
        edges_matrix(file, WORDS)
    assert str(error.value) == f"{file} {sentence}"


def test_what_is_no_word_list_or_text_is_refused(file):
    with pytest.raises(UserError) as error:
        lexicon_matrix(file, WORDS)
    assert str(error.value) == f"{file} must be a word list, but there is no such file."
    with pytest.raises(UserError) as error:
        tokens_in(file, WORDS)
    assert str(error.value) == f"{file} must be a segmented text, but there is no such file."
    write_lines(file, ["a\tb\t1", "▁big"])
    with pytest.raises(UserError) as error:
        lexicon_matrix(file, WORDS)
    assert str(error.value) == f"{file} must have `word<TAB>word` on every line, but line 1 is 'a\\tb\\t1'."
    with pytest.raises(UserError) as error:
        tokens_in(file, WORDS)
    assert str(error.value) == f"{file} must hold at least two tokens of the dictionary, but holds 1."
