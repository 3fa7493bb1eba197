"""Words by how often training has them, and sentences that differ, by hand."""

from __future__ import annotations

from collections import Counter

import pytest

from sse_nmt.evaluation.sentence_differences import marked, most_different
from sse_nmt.evaluation.word_frequency import count_words, f_measures, names_of_classes


def as_it_is(line: str) -> str:
    return line


def test_classes_have_names():
    assert names_of_classes() == ["0", "1", "2–5", "6–20", "21–100", "over 100"]


def test_f_measure_by_hand():
    training = count_words(["the cat sat\n", "the dog the the"], as_it_is) + Counter({"the": 100, "cat": 4})
    assert training["the"] == 104 and training["cat"] == 5
    hypotheses = ["the the cat dog", "sat new"]
    references = ["the cat cat sat", "sat dog old"]
    found = f_measures(hypotheses, references, training, as_it_is)
    assert found == [
        0.0,  # new, old: in no training text
        pytest.approx(2 * 1 / (2 + 3)),  # dog, sat: ours dog, sat; theirs sat, sat, dog; one matches in its sentence
        pytest.approx(2 * 1 / (1 + 2)),  # cat: ours once, theirs twice
        None, None,
        pytest.approx(2 * 1 / (2 + 1)),  # the: ours twice, theirs once
    ]  # fmt: skip


def test_the_same_words_have_1_and_other_sentences_do_not_count():
    assert f_measures(["a b", "c"], ["b a", "c"], Counter("abc"), as_it_is)[1] == 1.0
    assert f_measures(["a", "b"], ["b", "a"], Counter("ab"), as_it_is)[1] == 0.0


def test_words_that_differ_are_marked_and_all_are_there():
    one, other = marked("a small house stands here", "a big old house stands")
    assert one == [("a", False), ("small", True), ("house stands", False), ("here", True)]
    assert other == [("a", False), ("big old", True), ("house stands", False)]
    assert marked("", "x") == ([], [("x", True)])


def test_the_largest_gains_come_first_then_the_largest_losses():
    references = ["the house is red", "the dog barks", "a cat", "nothing here"]
    baseline = ["the mouse was dead", "the dog barks", "a cat", "nothing here"]
    system = ["the house is red", "zzz", "a rat", "nothing here"]
    found = most_different(baseline, system, references, 5)
    assert [each.number for each in found] == [1, 2, 3]
    assert found[0].gain > 0 > found[2].gain > found[1].gain and found[0].reference == references[0]
