"""Setting text apart, against a plain loop over documents in memory."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sse_nmt.corpora.pipeline import split
from sse_nmt.corpora.pipeline.clean import CleanFiles, clean
from sse_nmt.corpora.pipeline.duplicates import mark_first
from sse_nmt.corpora.pipeline.split import place_splits, read_split, write_splits
from sse_nmt.text.bitext import Bitext, write_documents
from sse_nmt.text.pairs import Document, SentencePair

Splits = dict[str, list[SentencePair]]


def made(count: int, words: int, name: str = "page") -> list[Document]:
    """Documents of 0 to 5 pairs of few words, so that sentences stand in several."""
    draw = random.Random(count)
    return [
        Document(
            f"{name} {draw.randrange(10**6)}",
            [(f"s{draw.randrange(words)}", f"t{draw.randrange(words)}") for _ in range(draw.randrange(6))],
        )
        for _ in range(count)
    ]


def by_hand(documents: list[Document], valid: int, test: int, seed: int) -> tuple[Splits, Counter[str]]:
    seen: set[SentencePair] = set()
    unique = []
    for document in documents:
        pairs = [pair for pair in dict.fromkeys(document.pairs) if pair not in seen]
        seen.update(pairs)
        unique.append(Document(document.name, pairs))
    order = sorted(unique, key=lambda document: document.name)
    generator = random.Random(seed)
    generator.shuffle(order)
    parts: Splits = {}
    for name, count in (("test", test), ("valid", valid)):
        parts[name] = []
        for document in list(order):
            if len(parts[name]) < count and len(document.pairs) <= count:
                parts[name] += document.pairs
                order.remove(document)
    train = [pair for document in order for pair in document.pairs]
    generator.shuffle(train)
    removed: Counter[str] = Counter()
    for name, other, rule in (
        ("valid", train, "also in training"),
        ("test", train, "also in training"),
        ("test", None, "also in validation"),
    ):
        others = parts["valid"] if other is None else other
        left = [pair for pair in parts[name] if not any(pair[0] == o[0] or pair[1] == o[1] for o in others)]
        removed[rule] += len(parts[name]) - len(left)
        parts[name] = left
    return {"train": train, **parts}, removed


def in_files(bitexts: list[Bitext], folder: Path, valid: int, test: int, seed: int) -> tuple[Splits, Counter[str]]:
    clean(bitexts, {}, folder / "clean", folder / "hashes")
    files = [CleanFiles.of(folder / "clean", bitext.name) for bitext in bitexts]
    places = place_splits(bitexts, files, mark_first(folder / "hashes", folder / "mask"), valid, test, seed)
    removed = write_splits(files, places, folder / "split")
    return {name: read_split(folder / "split", name) for name in ("train", "valid", "test")}, removed


@pytest.mark.parametrize(("valid", "test"), [(20, 30), (0, 0), (1, 0), (0, 7)])
@pytest.mark.parametrize("words", [40, 5000])
@pytest.mark.parametrize("at_once", [7, 1 << 16])
def test_whole_documents_as_a_loop_takes_them(tmp_path, monkeypatch, valid, test, words, at_once):
    monkeypatch.setattr(split, "_AT_ONCE", at_once)
    monkeypatch.setattr(split, "_BLOCK", at_once * 3)
    documents = made(80, words)
    expected, removed = by_hand(documents, valid, test, seed=3)
    found, dropped = in_files([write_documents(documents, "text", tmp_path)], tmp_path, valid, test, seed=3)
    assert found == expected and dropped == removed
    if words == 40 and valid == 20:
        assert removed["also in training"] > 0
    assert valid == test == 0 or len(found["train"]) < sum(len(set(document.pairs)) for document in documents)


def test_a_document_larger_than_what_is_wanted_trains(tmp_path):
    book = Document("a book", [(f"b{i}", f"c{i}") for i in range(50)])
    leaves = [Document(f"leaf {i}", [(f"s{i}", f"t{i}")]) for i in range(30)]
    for seed in range(5):
        found, _ = in_files([write_documents([book, *leaves], "text", tmp_path)], tmp_path, 10, 10, seed=seed)
        assert set(book.pairs) < set(found["train"]) and len(found["valid"]) == len(found["test"]) == 10


def test_pairs_that_stand_alone(tmp_path):
    pairs = [pair for document in made(60, 30) for pair in document.pairs]
    documents = [Document(f"{number:09d}", [pair]) for number, pair in enumerate(pairs)]
    bitext = write_documents(documents, "text", tmp_path)
    alone = Bitext("text", bitext.source, bitext.target, bitext.pairs)
    assert in_files([alone], tmp_path, 5, 10, seed=1) == by_hand(documents, 5, 10, seed=1)


def test_several_bitexts_are_one_corpus(tmp_path):
    parts = made(30, 5000, "first"), [], made(20, 5000, "second")
    bitexts = [write_documents(part, str(number), tmp_path) for number, part in enumerate(parts)]
    assert in_files(bitexts, tmp_path, 10, 10, seed=2) == by_hand([*parts[0], *parts[2]], 10, 10, seed=2)


def test_seeds_differ_and_a_seed_is_what_it_was(tmp_path):
    bitext = write_documents(made(40, 5000), "text", tmp_path)
    one, again, other = (in_files([bitext], tmp_path, 9, 9, seed=seed)[0] for seed in (1, 1, 2))
    assert one == again and one["test"] != other["test"]


def test_names_that_are_no_plain_text(tmp_path):
    """Separators of lines that are none here, and bytes of a file's name that are not UTF-8."""
    names = ["a\u2028b", "c\x0bd", "e\x85f", b"g\xff".decode("utf-8", "surrogateescape"), "h\r\ni"]
    documents = [replace(document, name=names[i]) for i, document in enumerate(made(5, 5000))]
    bitext = write_documents(documents, "text", tmp_path)
    found, _ = in_files([bitext], tmp_path, 1, 1, seed=1)
    assert sum(map(len, found.values())) == sum(len(document.pairs) for document in documents)


def test_too_few_documents_are_all_taken(tmp_path):
    bitext = write_documents([Document("only", [("a", "b"), ("c", "d")])], "text", tmp_path)
    found, _ = in_files([bitext], tmp_path, 5, 5, seed=1)
    assert found == {"train": [], "valid": [], "test": [("a", "b"), ("c", "d")]}
    assert np.fromfile(tmp_path / "clean/text.kept", dtype=np.bool_).all()
