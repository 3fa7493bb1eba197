"""Comparing runs: folders written by hand, so that every number is known."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import read_json, refused, sse_nmt, sse_nmt_here

from sse_nmt.evaluation import comparison as comparison_module
from sse_nmt.evaluation import sentence_statistics
from sse_nmt.evaluation.comparison import Comparison
from sse_nmt.evaluation.report import as_markdown, write_report
from sse_nmt.evaluation.scoring import metrics, score
from sse_nmt.evaluation.suites import OneText
from sse_nmt.system.atomic_files import read_lines, write_json, write_lines
from sse_nmt.system.errors import UserError

REFERENCES = [f"Das kleine rote Haus Nummer {i} steht am Ende der Straße ." for i in range(30)]


def compare(runs: list[tuple[str, Path]], **options: Any) -> Comparison:
    return comparison_module.compare(runs, OneText("test"), **options)


def make_run(folder: Path, seed: int, wrong: int, losses: tuple[float, ...] = (3.0, 2.5, 2.75)) -> Path:
    """An evaluated run that has ``wrong`` sentences wrong."""
    hypotheses = ["Der Hund bellt ."] * wrong + REFERENCES[wrong:]
    write_lines(folder / "scores/test.hyp", hypotheses)
    write_lines(folder / "scores/test.ref", REFERENCES)
    write_json(
        folder / "scores/test.json", {"updates": 200, "search": {"beam": 5}, "scores": score(hypotheses, REFERENCES)}
    )
    trained = {"configuration": {"common.seed": seed, "model.dropout": 0.1}, "data": {"fingerprint": "f"}}
    languages = {"source_lang": "en", "target_lang": "de"}
    write_json(folder / "run.json", {"seed": seed, "status": "finished", **languages, **trained})
    records = ({"valid_loss": str(loss), "valid_num_updates": str(100 * i)} for i, loss in enumerate(losses, 1))
    write_lines(folder / "train.log", (f"2026-01-01 | INFO | valid | {json.dumps(record)}" for record in records))
    return folder


@pytest.fixture
def runs(tmp_path) -> list[tuple[str, Path]]:
    wrong = {"baseline": (12, 10), "sse": (5, 6)}
    return [(name, make_run(tmp_path / f"{name}{seed}", seed, count))
            for name, counts in wrong.items() for seed, count in enumerate(counts, 1)]  # fmt: skip


def test_seeds_become_mean_and_deviation(runs):
    comparison = compare(runs)
    baseline, system = comparison.systems
    first, second = (
        score(read_lines(run.path / "scores/test.hyp"), REFERENCES)["BLEU"]["score"] for run in baseline.runs
    )
    assert baseline.mean("BLEU") == pytest.approx((first + second) / 2)
    assert baseline.deviation("BLEU") == pytest.approx(abs(first - second) / 2**0.5)
    assert not baseline.differences
    difference = system.differences["test"]["BLEU"]
    assert difference.value == pytest.approx(system.mean("BLEU") - baseline.mean("BLEU")) and difference.value > 0
    assert system.p_value == difference.p_value < 0.05 and system.differences["test"]["TER"].value < 0
    assert baseline.p_value is None
    assert system.best_loss == 2.5 and system.runs[0].curve == [(100, 3.0), (200, 2.5), (300, 2.75)]


def test_another_baseline_turns_the_sign(runs):
    there = compare(runs).systems[1].differences["test"]["BLEU"].value
    back = compare(runs, baseline="sse").systems
    assert back[0].name == "sse" and back[1].differences["test"]["BLEU"].value == pytest.approx(-there)


def test_report(runs, tmp_path):
    comparison = compare(runs)
    table = as_markdown(comparison)
    lines = table.splitlines()
    assert len({len(line) for line in lines[:4]}) == 1 and all(line.startswith("|") for line in lines[:4])
    assert f"{comparison.systems[0].mean('BLEU'):.2f} ± " in lines[2]
    for signature in comparison.signatures.values():
        assert signature in table
    paths = write_report(comparison, tmp_path / "report")
    assert [path.name for path in paths] == [
        "comparison.md", "comparison.csv", "comparison.json", "comparison.html"
    ]  # fmt: skip
    assert paths[0].read_text(encoding="utf-8") == table
    numbers = read_json(paths[2])
    assert numbers["systems"][1]["scores"]["BLEU"]["test"]["mean"] == comparison.systems[1].mean("BLEU")
    page = paths[3].read_text(encoding="utf-8")
    assert page.count("<tr>") == 5 and page.count("<svg") == 1 and "Sentences: " in page  # two tables, and the curves
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", page.replace('xlink:href="#', 'href="#'))


def test_runs_of_different_machines_are_said_to_be(runs):
    where = {"baseline1": ["A GPU"], "baseline2": ["A GPU"], "sse1": ["A CPU"], "sse2": ["A GPU", "A CPU"]}
    for _, path in runs:
        earlier, last = ([{"device": name, "versions": {"torch": "2.0"}} for name in part]
                         for part in (where[path.name][:-1], where[path.name][-1:]))  # fmt: skip
        write_json(path / "run.json", {**read_json(path / "run.json"), "earlier": earlier, **last[0]})
    (said,) = [line for line in as_markdown(compare(runs)).splitlines() if "Machine" in line]
    assert said.endswith(
        "A CPU with torch 2.0: sse 1; A GPU with torch 2.0: baseline 1 2; A GPU with torch 2.0, then A CPU with torch "
        "2.0: sse 2."
    )
    assert "Machine" not in as_markdown(compare(runs[:2]))


def test_empty_translations_are_said_to_be(runs):
    """Of a run whose decoder has collapsed, say."""
    path = runs[2][1] / "scores/test.hyp"
    lines = path.read_text(encoding="utf-8").splitlines()
    write_lines(path, ["" if number % 2 else line for number, line in enumerate(lines)])
    record = path.with_suffix(".json")
    write_json(record, {name: value for name, value in read_json(record).items() if name != "files"})
    (said,) = [line for line in as_markdown(compare(runs)).splitlines() if "Empty" in line]
    assert said == f"Empty translations of {len(lines)}: sse 1 {len(lines) // 2}."
    assert "Empty" not in as_markdown(compare(runs[:2]))


def test_one_run_has_no_deviation(runs):
    comparison = compare([runs[0], runs[2]])
    assert comparison.systems[0].deviation("BLEU") is None and " ± " not in as_markdown(comparison).split("\n\n")[0]


def test_one_run_has_an_interval_of_this_text_only_and_no_p(runs):
    """Also where the baseline has several."""
    for chosen in ([runs[0], runs[2]], runs[:3]):
        comparison = compare(chosen)
        assert comparison.systems[1].p_value is None
        table, described, notes = as_markdown(comparison).split("\n\n")
        assert table.splitlines()[3].endswith(" – |") and "Δ chrF++" in described
        assert (
            "Interval of sse: this text only (1,000 resamples of sentences, seed 12345); says nothing of another "
            in notes
        )


def test_p_is_corrected_for_the_number_of_systems(runs, tmp_path):
    alone = compare(runs).systems[1].p_value
    more = [("third", make_run(tmp_path / f"third{seed}", seed, 11)) for seed in (1, 2)]
    first, second = compare([*runs, *more]).systems[1:]
    assert first.p_value == pytest.approx(2 * alone) and second.p_value > 0.05
    assert first.differences["test"]["BLEU"].p_value == pytest.approx(alone)


def test_what_was_scored_under_another_signature_is_scored_anew(runs, capsys):
    """Never are old scores printed under a new signature, whatever a run folder says."""
    before = compare(runs)
    path = runs[0][1] / "scores/test.json"
    result = read_json(path)
    result["scores"]["BLEU"] = {
        "score": 99.9,
        "signature": "nrefs:1|case:mixed|eff:no|tok:intl|smooth:exp|version:2.0.0",
    }
    write_json(path, result)
    again = compare(runs)
    assert [s.mean("BLEU") for s in again.systems] == [s.mean("BLEU") for s in before.systems]
    said = capsys.readouterr().err
    assert f"{runs[0][1]}: BLEU was scored as nrefs:1|case:mixed|eff:no|tok:intl" in said and "scored anew as" in said
    other = compare(runs, tokenize="char")
    assert "tok:char" in other.signatures["BLEU"]
    hypotheses = read_lines(runs[0][1] / "scores/test.hyp")
    assert other.systems[0].runs[0].scores["test"]["BLEU"] == pytest.approx(
        score(hypotheses, REFERENCES, metrics("de", "char"))["BLEU"]["score"]
    )


def test_statistics_are_kept_and_only_used_for_the_text_they_are_of(runs, monkeypatch):
    before = compare(runs)
    kept = runs[0][1] / "scores/test.stats.npz"
    assert kept.is_file()
    with monkeypatch.context() as patch:
        patch.setattr(sentence_statistics, "count", None)  # nothing is counted again
        assert compare(runs).systems[1].differences == before.systems[1].differences
    write_lines(runs[0][1] / "scores/test.hyp", REFERENCES)
    assert compare(runs).systems[0].runs[0].scores["test"]["BLEU"] == pytest.approx(100)
    kept.write_bytes(kept.read_bytes()[:100])
    assert compare(runs).systems[0].runs[0].scores["test"]["BLEU"] == pytest.approx(100)


def test_names_may_hold_what_tables_and_the_command_line_use(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "r=7", 7, 3)
    sse_nmt_here("compare", "a|b=baseline1", "r=7")
    head, ruler, first, second = capsys.readouterr().out.splitlines()[:4]
    assert "| a\\|b " in first and "| r=7 " in second
    assert {line.replace("\\|", "").count("|") for line in (head, ruler, first, second)} == {head.count("|")}


def test_names_of_strangers_are_harmless_wherever_they_stand(runs, tmp_path):
    names = ['=1+1"><script>alert(1)</script>$x$ |\x1b[31m', "@b $y_{$"]
    paths = write_report(compare([(names[name == "sse"], path) for name, path in runs]), tmp_path / "page")
    table, sheet, _, page = (path.read_text(encoding="utf-8") for path in paths)
    assert "<script>alert" not in page and "<script>alert" not in table and "\x1b" not in table
    assert {row[0] for row in list(csv.reader(io.StringIO(sheet)))[1:]} == {f"'{name}" for name in names}
    assert "$x$" in page and "&lt;script&gt;alert(1)" in page  # drawn as it is, not as mathematics
    assert len({line.replace("\\|", "").count("|") for line in table.splitlines()[:4]}) == 1


def test_a_folder_that_is_no_run_is_named(runs, tmp_path):
    with pytest.raises(UserError, match="must be a run folder, but holds no run.json.$"):
        compare([*runs, ("none", tmp_path)])


def test_runs_of_one_name_must_be_seeds_of_one_system(runs):
    path = runs[1][1] / "run.json"
    record = read_json(path)
    write_json(path, {**record, "seed": 1})
    with pytest.raises(UserError, match="^The runs of baseline must differ in their seed, but 2 have seed 1.$"):
        compare(runs)
    write_json(path, {**record, "configuration": {"common.seed": 2, "model.dropout": 0.5}})
    with pytest.raises(
        UserError, match="^The runs of baseline must differ in nothing but their seed, but `model.dropout`"
    ):
        compare(runs)
    write_json(path, {**record, "data": {"fingerprint": "another"}})
    with pytest.raises(UserError, match="^The runs of baseline must be trained on one text, but"):
        compare(runs)
    write_json(path, record)
    compare(runs)


def test_systems_in_different_languages_or_tokenisers_are_not_compared(runs):
    path = runs[3][1]
    write_json(path / "scores/test.json", {**read_json(path / "scores/test.json"), "tokenize": "char"})
    with pytest.raises(
        UserError, match=r"^All runs must have one tokeniser \(see `--tokenize`\), but it is None for .* 'char'"
    ):
        compare(runs)
    assert compare(runs, tokenize="13a").signatures
    write_json(path / "run.json", {**read_json(path / "run.json"), "target_lang": "zh"})
    with pytest.raises(UserError, match=r"^All runs must have one target language, but it is 'de' for .* and 'zh' for"):
        compare(runs)


def test_refusals(runs, tmp_path):
    name, broken = runs[3]
    hypotheses = broken / "scores/test.hyp"
    write_lines(hypotheses, REFERENCES[:-1])
    with pytest.raises(UserError) as error:
        compare(runs)
    assert str(error.value) == (
        f"The hypotheses of {broken} must have as many lines as the reference, 30, but have 29 instead."
    )
    write_lines(broken / "scores/test.ref", [*REFERENCES[:-1], "Etwas anderes ."])
    with pytest.raises(
        UserError, match=f"^All runs must be scored on one test text, but those of .* and {broken} differ"
    ):
        compare(runs)
    (broken / "scores/test.ref").unlink()
    with pytest.raises(
        UserError,
        match=rf"^{broken} must be scored on its test text first .*, but holds no test.ref",
    ):
        compare(runs)
    with pytest.raises(UserError, match=f"^Each run must be given once, but {runs[0][1]} is given 2 times"):
        compare([runs[0], ("again", runs[0][1])])
    with pytest.raises(UserError, match=r"^The baseline must be one of baseline, sse, but is 'x' instead\.$"):
        compare(runs, baseline="x")


def test_runs_translated_differently_are_not_compared(runs):
    path = runs[2][1] / "scores/test.json"
    write_json(path, {**read_json(path), "search": {"beam": 1}})
    with pytest.raises(UserError) as error:
        compare(runs)
    assert str(error.value) == (
        f"All runs must be translated alike, but `beam` is 5 for {runs[0][1]} and 1 for {runs[2][1]}."
    )


def test_runs_translated_in_larger_batches_are_compared(runs):
    path = runs[2][1] / "scores/test.json"
    scores = read_json(path)
    write_json(path, {**scores, "search": {**scores["search"], "batch_tokens": 7}})
    assert compare(runs).systems


def test_a_log_without_validation_is_said(runs):
    (runs[0][1] / "train.log").write_text("nothing\n")
    with pytest.raises(UserError, match=f"^{runs[0][1]}/train.log must hold validation losses, but holds none"):
        compare(runs)


def test_command_line(runs, tmp_path, capsys):
    words = [f"{name}={path}" for name, path in runs]
    done = sse_nmt("compare", *words, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("| system ") and done.stdout.rstrip().endswith("comparison.html")
    assert refused(capsys, "compare", "baseline") == "baseline must be a run folder, but holds no run.json."
