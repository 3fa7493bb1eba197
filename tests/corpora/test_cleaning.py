from __future__ import annotations

from collections import Counter

from sse_nmt.corpora.cleaning import clean_documents, normalise, within_length
from sse_nmt.corpora.options import LengthRules
from sse_nmt.corpora.pairs import Document
from sse_nmt.corpora.splitting import drop_seen, split_by_document


def test_normalise():
    assert normalise("  u\u0308ber\u00a0 all\t\u200bem\u00ad \u0007ist\r\n") == "über all em ist"
    assert normalise("\ufeff \u200b") == ""


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
    assert [(len(a), len(b)) for a, b in kept] == [(2, 3), (3, 2), (1, 1), (10, 10)]
    assert removed == {"ratio": 1, "length": 2}


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
