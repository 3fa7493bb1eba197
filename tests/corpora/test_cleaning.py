from __future__ import annotations

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sse_nmt.corpora.cleaning import clean_documents, length_fault, normalise, within_length
from sse_nmt.corpora.options import LengthRules
from sse_nmt.corpora.pairs import Document
from sse_nmt.corpora.splitting import drop_seen, split_by_document


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


def test_every_rule_counts_what_it_removes():
    removed: Counter[str] = Counter()
    documents = [
        Document("a", [("Hello", "Hallo"), ("", "leer"), ("Writer", "Writer"), ("Hello ", "Hallo")]),
        Document("b", [("Hello", "Hallo"), ("Hello", "Guten Tag"), ("u\u0308", "ü"), ("x", " \u00ad ")]),
    ]
    kept = [pair for document in clean_documents(documents, removed) for pair in document.pairs]
    assert kept == [("Hello", "Hallo"), ("Hello", "Guten Tag")]
    assert removed == {"empty": 2, "untranslated": 2, "duplicate": 2}


def test_length_rules_at_their_limits():
    removed: Counter[str] = Counter()
    pairs = [("a" * m, "b" * n) for m, n in [(2, 3), (3, 2), (2, 4), (1, 1), (10, 11), (0, 1), (10, 10)]]
    kept = list(within_length(pairs, len, LengthRules(min_length=1, max_length=10, max_ratio=1.5), removed))
    assert [(len(a), len(b)) for a, b in kept] == [(2, 3), (3, 2), (2, 4), (1, 1), (10, 10)]
    assert removed == {"length": 2}


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
    assert length_fault(source, target, LengthRules(max_ratio=1.5, typical_ratio=typical)) == rule
    assert length_fault(target, source, LengthRules(max_ratio=1.5, typical_ratio=1 / typical)) == rule


def documents(count: int) -> list[Document]:
    return [Document(f"{i:03d}", [(f"s{i} {j}", f"t{i} {j}") for j in range(5)]) for i in range(count)]


def test_split_keeps_documents_whole_and_apart():
    splits = split_by_document(documents(40), valid=12, test=23, seed=1, removed=Counter())
    parts = {name: {source.split()[0] for source, _ in pairs} for name, pairs in splits.items()}
    assert not parts["train"] & parts["valid"] and not parts["train"] & parts["test"]
    assert (len(splits.train), len(splits.valid), len(splits.test)) == (160, 15, 25)


def test_split_depends_on_the_seed_alone():
    def order(seed: int, shuffled: bool = False):
        made = documents(40)
        return split_by_document(made[::-1] if shuffled else made, 10, 10, seed, Counter())

    assert order(1) == order(1, shuffled=True)
    assert order(1).test != order(2).test


def test_what_stands_in_training_leaves_validation_and_test():
    removed: Counter[str] = Counter()
    seen = [("a", "A"), ("b", "B")]
    assert drop_seen([("a", "X"), ("Y", "B"), ("c", "C")], seen, "also in training", removed) == [("c", "C")]
    assert removed == {"also in training": 2}
