"""Scores on words as the target language has them."""

from __future__ import annotations

import builtins

import pytest
from conftest import sse_nmt_here

from sse_nmt.evaluation.scoring import metrics, score, signatures, tokeniser_for
from sse_nmt.system.atomic_files import write_lines
from sse_nmt.system.errors import UserError


@pytest.mark.parametrize(
    ("language", "tokeniser"),
    [("de", "13a"), ("zh", "zh"), ("zh-CN", "zh"), ("zh_TW", "zh"), ("ja", "ja-mecab"), ("ko", "ko-mecab"),
     ("th", "flores200"), ("my", "flores200"), ("fa", "13a"), (None, "13a")],
)  # fmt: skip
def test_the_tokeniser_is_that_of_the_language(language, tokeniser):
    assert tokeniser_for(language) == tokeniser


def test_a_perfect_chinese_translation_scores_100_and_half_a_one_does_not_score_0():
    references = ["你好，世界！这是一个测试。", "（全角）ＡＢＣ１２３；：？今天天气很好。"]
    half = ["你好，世界！那是一个测试。", "今天天气很好。"]
    assert score(references, references, metrics("zh"))["BLEU"]["score"] == pytest.approx(100)
    assert score(half, references, metrics("zh"))["BLEU"]["score"] > 10 > score(half, references)["BLEU"]["score"]
    assert 0 < score(half, references, metrics("zh"))["TER"]["score"] < 60  # characters, not whole lines


def test_signatures_are_known_before_anything_is_scored():
    measures = metrics("zh")
    before = signatures(measures)
    assert {name: entry["signature"] for name, entry in score(["一"], ["一"], measures).items()} == before
    assert "tok:zh" in before["BLEU"] and "asian:yes" in before["TER"]


def test_an_unknown_tokeniser():
    with pytest.raises(UserError, match=r"^`--tokenize` must be one of sacreBLEU's, none, .*, but is 'xx' instead\.$"):
        metrics("de", "xx")


@pytest.mark.parametrize("language", ["ja", "ko"])
def test_a_tokeniser_that_is_not_installed(language, monkeypatch):
    importer = builtins.__import__

    def without_mecab(name, *rest, **keywords):
        if name.startswith(("MeCab", "mecab", "mecab_ko", "ipadic")):
            raise ImportError("no MeCab")
        return importer(name, *rest, **keywords)

    monkeypatch.setattr(builtins, "__import__", without_mecab)
    with pytest.raises(UserError, match=rf"^BLEU's tokeniser {language}-mecab cannot be had here \(.*\): take another"):
        metrics(language)


def test_files_are_scored_as_text_in_their_language(tmp_path, capsys):
    write_lines(tmp_path / "hyp", ["你好，世界！"])
    write_lines(tmp_path / "ref", ["你好，新世界！"])
    files = ["--hypotheses", tmp_path / "hyp", "--reference", tmp_path / "ref"]
    for words, tokeniser in (([], "13a"), (["--target-lang", "zh"], "zh"), (["--tokenize", "char"], "char")):
        sse_nmt_here("evaluate", *files, *words)
        assert f"tok:{tokeniser}" in capsys.readouterr().out
