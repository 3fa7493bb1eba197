"""Cleaned text goes through the pieces unchanged, whatever it holds."""

from __future__ import annotations

from pathlib import Path

import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st
from toy_corpus import sentences

from sse_nmt.text.cleaning import normalise
from sse_nmt.text.subwords import train_model, typical_ratio

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
_MODEL: list[sentencepiece.SentencePieceProcessor] = []


@pytest.fixture(scope="module", autouse=True)
def model(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("pieces") / "model"
    _MODEL[:] = [train_model(sentences(150), 70, path)]


def round_trip(text: str) -> str:
    return _MODEL[0].decode(_MODEL[0].encode(text, out_type=str))


_ODD = st.sampled_from(
    ["…", "²", "ﬁ", "，", "Ⅳ", "ﾊﾝｶｸ", "\u200d", "\u200c", "\u2581", "<unk>", "</s>", "\ufe0f", "👩", " ", "Der"]
)


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.lists(_ODD).map("".join))
def test_any_cleaned_text_comes_back(text):
    cleaned = normalise(text)
    assert round_trip(cleaned) == cleaned


@pytest.mark.skipif(not CASES.is_dir(), reason="no small inputs beside the project")
@pytest.mark.parametrize("name", ["joiners.txt", "marks.txt"])
def test_the_small_inputs_come_back_as_they_are(name):
    for line in (CASES / name).read_text(encoding="utf-8").splitlines():
        assert round_trip(normalise(line)) == line


def test_the_typical_ratio_is_a_median():
    model = _MODEL[0]
    pairs = [("Der", "Der"), ("Hund", "Hund"), ("a", "Der Hund ist hier. " * 30)]
    lengths = sorted(len(model.encode(target)) / len(model.encode(source)) for source, target in pairs)
    assert typical_ratio(pairs, model) == lengths[1] and typical_ratio([], model) == 1.0
