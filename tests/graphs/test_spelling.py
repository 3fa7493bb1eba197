"""One word in other spelling, and its other forms."""

from __future__ import annotations

import sys

import pytest
from small_graphs import both_ways, edges_of, vocabulary

from sse_nmt.graphs.options import SpellingOptions
from sse_nmt.graphs.spelling import spelling_matrix
from sse_nmt.system.errors import UserError


def found(*tokens: str, **options: object) -> dict[tuple[str, str], float]:
    words = vocabulary(*tokens)
    return edges_of(spelling_matrix(words, SpellingOptions(**options)), words)


@pytest.mark.parametrize(
    ("one", "other", "weight"),
    [
        ("▁House", "▁house", 1.0),
        ("▁house", "house", 1.0),
        ("▁HOUSE", "house", 1.0),
        ("▁Tür", "▁Tuer", 1.0),
        ("▁TÜR", "tuer", 1.0),
        ("▁Öl", "▁oel", 1.0),
        ("▁Straße", "▁strasse", 1.0),
        ("▁Tür", "▁tur", 0.5),
        ("▁café", "▁Cafe", 0.5),
        ("▁Tu\u0308r", "▁Tuer", 1.0),  # the umlaut as two characters
        ("▁Tuer", "▁Tur", None),
        ("▁house", "▁houses", None),
        ("▁", "▁a", None),
    ],
)
def test_spellings_of_one_word(one, other, weight):
    assert found(one, other) == ({} if weight is None else both_ways({(one, other): weight}))


def test_all_spellings_know_each_other_with_the_larger_weight():
    edges = found("▁Für", "▁für", "fuer", "fur", accent_weight=0.25)
    close = [("▁Für", "▁für"), ("▁Für", "fuer"), ("▁für", "fuer")]
    assert edges == both_ways({**dict.fromkeys(close, 1.0), ("▁Für", "fur"): 0.25, ("▁für", "fur"): 0.25})


def test_special_symbols_and_fillers_have_no_spellings():
    assert found("<PAD>", "▁<pad>", "x") == both_ways({("<PAD>", "▁<pad>"): 1.0})


def test_words_of_one_lemma_on_request():
    pytest.importorskip("simplemma")
    tokens = ("▁Häuser", "▁Haus", "▁opened", "▁open", "opens", "▁die", "▁die", "▁xyzzy")
    assert found(*tokens) == {}
    wanted = {("▁Häuser", "▁Haus"): 0.5}
    assert found(*tokens, lemmas_of="de") == both_ways(wanted)  # opens is no whole word
    wanted["▁opened", "▁open"] = 0.75
    assert found(*tokens, lemmas_of="en,de", lemma_weight=0.75) == both_ways({**wanted, ("▁Häuser", "▁Haus"): 0.75})
    with pytest.raises(UserError) as error:
        found(*tokens, lemmas_of="en,english")
    assert str(error.value) == "`--lemmas-of` must name languages of simplemma, but 'english' is none."


def test_without_simplemma_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "simplemma", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError) as error:
        found("▁a", lemmas_of="en")
    assert str(error.value) == (
        "`--lemmas-of` needs simplemma, which is not installed (pip install 'sse_nmt[graphs]')."
    )


@pytest.mark.parametrize("name", ["accent_weight", "lemma_weight"])
@pytest.mark.parametrize("weight", [0.0, 1.5])
def test_weights_out_of_range_are_refused(name, weight):
    with pytest.raises(UserError) as error:
        found("▁a", **{name: weight})
    assert str(error.value) == f"`--{name.replace('_', '-')}` must be in (0, 1], but is {weight} instead."
