from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sse_nmt.text.cleaning import normalise, violated_rule
from sse_nmt.text.length_rules import LengthRules, violated_length_rule


def test_normalise():
    assert normalise("  u\u0308ber\u00a0 all\t\u200bem\u00ad \u0007ist\r\n") == "über all em ist"
    assert normalise("\ufeff \u200b") == ""


@pytest.mark.parametrize("text", ["می‌خواهم", "ශ්‍රී", "র‍্যাম", "ന‍്യായം", "क्‍ष", "👩‍👩‍👦", "🏳️‍🌈"])
def test_joiners_are_spelling(text):
    assert normalise(f" {text}\u00ad\u200f") == text


@given(
    st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("a \u0308\u00ad\u200d\u200b\u2001\u1100\u1161"))
)
def test_normalise_once_and_for_all(text):
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.normalize("NFC", once) == once and "  " not in once and once == once.strip()


def test_a_mark_comes_to_its_letter_when_what_stood_between_goes():
    assert normalise("a\u00ad\u0308") == "ä"


@pytest.mark.parametrize(
    ("pair", "rule"),
    [
        (("Hello", "Hallo"), None),
        (("", "leer"), "empty"),
        (("x", normalise(" \u00ad ")), "empty"),
        (("Writer", "Writer"), "untranslated"),
        ((normalise("u\u0308"), "ü"), "untranslated"),
    ],
)
def test_what_a_pair_breaks_by_itself(pair, rule):
    assert violated_rule(pair) == rule


def test_length_rules_at_their_limits():
    rules = LengthRules(min_length=1, max_length=10, max_ratio=1.5)
    lengths = [(2, 3), (3, 2), (2, 4), (1, 1), (10, 11), (0, 1), (10, 10)]
    kept = [pair for pair in lengths if violated_length_rule(*pair, rules) is None]
    assert kept == [(2, 3), (3, 2), (2, 4), (1, 1), (10, 10)]
    assert [violated_length_rule(*pair, rules) for pair in lengths if pair not in kept] == ["length", "length"]


@pytest.mark.parametrize(
    ("source", "target", "typical", "rule"),
    [
        (1, 9, 1.0, None),  # short pairs say little: up to 8 pieces apart
        (1, 10, 1.0, "ratio"),
        (20, 30, 1.0, None),
        (20, 31, 1.0, "ratio"),
        (20, 60, 3.0, None),  # usual where scripts differ so much
        (60, 20, 3.0, "ratio"),
        (60, 20, 1 / 3, None),
        (20, 20, 3.0, "ratio"),
    ],
)
def test_the_ratio_is_that_to_what_is_typical(source, target, typical, rule):
    assert violated_length_rule(source, target, LengthRules(max_ratio=1.5, typical_ratio=typical)) == rule
    assert violated_length_rule(target, source, LengthRules(max_ratio=1.5, typical_ratio=1 / typical)) == rule
