"""newstest2008–2018 from translation to table, on toy sets; the table also on numbers made by hand."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path

import newstest_cache
import numpy as np
import pytest
from conftest import ROOT, read_json, refused, run_command, sse_nmt
from sacrebleu.metrics import BLEU

from sse_nmt.corpora import newstest
from sse_nmt.corpora.newstest import SETS
from sse_nmt.evaluation import published_scores
from sse_nmt.evaluation.comparison import Comparison, System, compare
from sse_nmt.evaluation.newstest import evaluate_newstest
from sse_nmt.evaluation.options import NewstestOptions
from sse_nmt.evaluation.report import as_markdown, write_report
from sse_nmt.evaluation.scoring import score
from sse_nmt.evaluation.significance import Difference
from sse_nmt.evaluation.suites import Newstest
from sse_nmt.runs.paths import RunPaths
from sse_nmt.system.atomic_files import read_lines, write_json, write_lines
from sse_nmt.system.errors import UserError


@pytest.fixture(scope="module")
def scored(toy_runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Copies of the toy runs, scored by the command."""
    folder = tmp_path_factory.mktemp("newstest-runs")
    runs = {name: Path(shutil.copytree(run, folder / name)) for name, run in toy_runs.items()}
    done = sse_nmt("newstest", *runs.values())
    assert done.returncode == 0, done.stderr
    assert (
        f"{runs['baseline']}: 66 sentences at " in done.stdout and "  wmt14/full     6 sentences  BLEU" in done.stdout
    )
    return runs


def test_every_set_is_translated_and_scored_in_its_own_order(scored):
    for run in scored.values():
        folder = run / "scores/newstest"
        result = read_json(folder / "scores.json")
        assert list(result["sets"]) == list(SETS.values()) and result["sentences"] == 66
        for year, name in SETS.items():
            references = [target for _, target in newstest_cache.pairs(year)]
            text = RunPaths(run).newstest(name)
            hypotheses = read_lines(text.hypotheses)
            assert read_lines(text.references) == references
            for metric, entry in score(hypotheses, references).items():
                found = result["sets"][name]["scores"][metric]
                assert found == {"score": pytest.approx(entry["score"]), "signature": entry["signature"]}
    # Most of these sentences the toy models have learnt by heart: in another order no set would score.
    assert max(entry["scores"]["BLEU"]["score"] for entry in result["sets"].values()) > 50


def test_the_search_is_that_of_wmt14_unless_told_otherwise(scored):
    search = read_json(scored["baseline"] / "scores/newstest/scores.json")["of"]["search"]
    assert (search["beam"], search["length_penalty"], search["compute_type"]) == (4, 0.6, "float32")


def test_what_is_scored_is_not_translated_again(scored, capsys, monkeypatch):
    run = scored["sse_se"]
    before = read_json(run / "scores/newstest/scores.json")
    assert evaluate_newstest(run, NewstestOptions()) == before
    assert f"{run} is scored already." in capsys.readouterr().err
    again = evaluate_newstest(run, NewstestOptions(beam=1))
    assert again["of"]["search"]["beam"] == 1
    evaluate_newstest(run, NewstestOptions())


@pytest.mark.slow
def test_the_script_prints_the_table_with_the_paper_s_rows_set_apart(scored, tmp_path):
    if not (ROOT / ".venv/installed").exists():
        pytest.skip("set up otherwise")
    done = run_command(
        str(ROOT / "scripts/eval_newstest.sh"), "--output", str(tmp_path), *map(str, scored.values()), cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "newstest.md").read_text(encoding="utf-8")
    assert table in done.stdout
    assert "| baseline" in table and "| sse_se" in table and "/11 |" in table
    assert table.index("Quoted, not measured here") > table.index("| sse_se")
    assert (
        "| Transformer + SSE-SE | 21.4 | 21.1 | 23.0 | 21.0 | 20.8 | 25.2 | 27.2 | 29.2 | 33.1 | 27.9 | 39.9 |" in table
    )


def make_run(folder: Path, seed: int, wrong: dict[int, int]) -> Path:
    """A scored run that has the first few sentences of some years wrong."""
    scores = {}
    for year, name in SETS.items():
        references = [f"In {year} steht das kleine Haus Nummer {i} am Ende der langen Straße ." for i in range(12)]
        hypotheses = ["Der Hund bellt sehr laut ."] * wrong.get(year, 0) + references[wrong.get(year, 0) :]
        write_lines(RunPaths(folder).newstest(name).hypotheses, hypotheses)
        write_lines(RunPaths(folder).newstest(name).references, references)
        scores[name] = {"sentences": len(references), "scores": score(hypotheses, references)}
    search = {"beam": 4, "length_penalty": 0.6, "engine": "ctranslate2", "compute_type": "float32"}
    of = {"checkpoint": "checkpoint_best.pt", "modified": 1, "search": search}
    write_json(
        folder / "scores/newstest/scores.json",
        {"of": of, "updates": 9, "sentences_per_second": 1.0, "sets": scores, "files": None},
    )
    languages = {"source_lang": "en", "target_lang": "de"}
    trained = {"configuration": {"common.seed": seed}, "data": {"fingerprint": "f"}}
    named = {"status": "finished", "system": folder.name.partition(".")[0]}
    write_json(folder / "run.json", {**languages, **trained, **named, "seed": seed})
    return folder


def make_runs(folder: Path) -> list[tuple[str, Path]]:
    """Two seeds each; SSE is better in three years, worse in one, the same in seven."""
    baseline = [make_run(folder / f"baseline.{i}", i, {2009: 5, 2014: 6 + i, 2018: 4}) for i in (1, 2)]
    system = [make_run(folder / f"sse.{i}", i, {2009: 2, 2014: 2, 2016: 3}) for i in (1, 2)]
    return [("baseline", path) for path in baseline] + [("sse", path) for path in system]


@pytest.fixture
def runs(tmp_path) -> list[tuple[str, Path]]:
    return make_runs(tmp_path)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[tuple[str, Path]], Comparison]:
    """Such runs, and their comparison, made once: a thousand resamples of eleven sets take seconds."""
    runs = make_runs(tmp_path_factory.mktemp("compared"))
    return runs, compare(runs, Newstest())


def of(system: System, part: str) -> Difference:
    return system.differences[part]["BLEU"]


def bleu(path: Path, year: int) -> float:
    text = RunPaths(path).newstest(SETS[year])
    return BLEU().corpus_score(read_lines(text.hypotheses), [read_lines(text.references)]).score


def test_means_deviations_and_differences_by_hand(compared):
    runs, comparison = compared
    baseline, system = comparison.systems
    ours = {year: np.mean([bleu(path, year) for name, path in runs if name == "sse"]) for year in SETS}
    theirs = {year: [bleu(path, year) for name, path in runs if name == "baseline"] for year in SETS}
    for year in SETS:
        assert baseline.mean("BLEU", str(year)) == pytest.approx(np.mean(theirs[year]))
        assert of(system, str(year)).value == pytest.approx(ours[year] - np.mean(theirs[year]))
    late = [2014, 2015, 2016, 2017, 2018]
    assert system.mean("BLEU") == pytest.approx(np.mean(list(ours.values())))
    assert of(system, "2014–2018").value == pytest.approx(
        np.mean([ours[year] for year in late]) - np.mean([theirs[year] for year in late])
    )
    by_seed = [np.mean([theirs[year][i] for year in SETS]) for i in (0, 1)]
    assert baseline.deviation("BLEU") == pytest.approx(np.std(by_seed, ddof=1))
    assert system.texts_ahead == 3 and not baseline.differences
    assert of(system, "2014").p_value < 0.05
    assert of(system, "2010").p_value == 1  # the same translations; sacreBLEU's formula gives 0.001
    whole = of(system, "2008–2018")
    assert system.p_value == whole.p_value and whole.low < whole.value < whole.high


def test_a_difference_of_means_varies_less_than_one_year(compared):
    """Eleven sets resampled each by itself."""
    _, system = compared[1].systems
    all_years, one = of(system, "2008–2018"), of(system, "2014")
    assert all_years.high - all_years.low < one.high - one.low


def test_another_baseline_turns_the_signs(compared):
    runs, comparison = compared
    there = comparison.systems[1]
    first, back = compare(runs, Newstest(), baseline="sse").systems
    assert first.name == "sse" and back.texts_ahead == 1
    assert of(back, "2008–2018").value == pytest.approx(-of(there, "2008–2018").value)


def test_report(compared, tmp_path):
    _, comparison = compared
    paths = write_report(comparison, tmp_path / "report", quoted=True)
    assert [path.name for path in paths] == [f"newstest.{kind}" for kind in ("md", "csv", "json", "html")]
    table = paths[0].read_text(encoding="utf-8")
    own, quoted = table.split("Quoted")
    rows = [line for line in own.splitlines() if line.startswith("|")]
    assert [row.split("|")[1].strip() for row in rows[2:]] == [
        "baseline", "± of 2 runs", "sse", "± of 2 runs", "Δ", "from", "to", "p"
    ]  # fmt: skip
    assert len({len(row) for row in rows}) == 1 and all(row.count("|") == 16 for row in rows) and " 3/11 |" in own
    assert all(signature in own for signature in comparison.signatures.values())
    assert "Transformer + SSE-SE" in quoted and published_scores.SOURCE in quoted
    numbers = read_json(paths[2])
    assert numbers["systems"][1]["p_value"] == comparison.systems[1].p_value
    (tested,) = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows if row.startswith("| p ")]
    assert [column for column, cell in enumerate(tested) if cell] == [0, 12]  # the mean of all years alone is tested
    assert numbers["quoted"]["BLEU"]["Transformer"]["2018"] == 38.8
    page = paths[3].read_text(encoding="utf-8")
    assert page.count("<svg") == 1 and "<td>Transformer</td>" in page and "Sentences: " not in page


def test_the_csv_has_every_number(compared, tmp_path):
    _, comparison = compared
    write_report(comparison, tmp_path, quoted=False)
    with open(tmp_path / "newstest.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 4 * 13  # systems, metrics, years and means
    (row,) = (r for r in rows if (r["system"], r["part"], r["metric"]) == ("sse", "2014", "BLEU"))
    assert float(row["difference"]) == of(comparison.systems[1], "2014").value and row["sentences"] == "12"
    assert {r["difference"] for r in rows if r["system"] == "baseline" or r["metric"] != "BLEU"} == {""}
    assert "Quoted" not in (tmp_path / "newstest.md").read_text(encoding="utf-8")


def test_one_run_alone_is_a_table_too(runs, tmp_path):
    comparison = compare(runs[:1], Newstest())
    assert len(write_report(comparison, tmp_path, quoted=False)) == 4
    assert "Δ " not in as_markdown(comparison).split("newstest2008")[0]


def test_the_quoted_rows_are_those_of_the_paper():
    """Their means, as the paper's text gives none, from its figures."""
    plain, shared = published_scores.BLEU.values()
    assert round(sum(plain.values()) / 11, 2) == 25.78 and round(sum(shared.values()) / 11, 2) == 26.35
    assert [year for year in plain if shared[year] < plain[year]] == [2013]


def test_a_system_that_is_not_whole_is_refused_by_name(runs, tmp_path):
    name, path = runs[2]
    hypotheses = RunPaths(path).newstest("wmt14/full").hypotheses
    whole = hypotheses.read_text(encoding="utf-8")
    hypotheses.write_text(whole + "eine mehr\n", encoding="utf-8")
    with pytest.raises(UserError) as error:
        compare(runs, Newstest())
    assert str(error.value) == (
        f"The hypotheses of {path} for wmt14/full must have as many lines as the reference, 12, but have 13 instead."
    )
    hypotheses.unlink()
    with pytest.raises(UserError) as error:
        compare(runs, Newstest())
    assert str(error.value) == (
        f"{path} must be scored on newstest2008–2018, en–de first (`sse-nmt newstest {path}`), "
        "but holds no wmt14-full.hyp."
    )
    hypotheses.write_text(whole, encoding="utf-8")
    references = RunPaths(path).newstest("wmt08").references
    references.write_text(references.read_text(encoding="utf-8").replace("Haus", "Heim"), encoding="utf-8")
    with pytest.raises(UserError, match=f"scored on one wmt08 text, but those of {runs[0][1]} and {path} differ"):
        compare(runs, Newstest())


def test_what_does_not_belong_together_is_refused(runs):
    _, path = runs[3]
    result = read_json(path / "scores/newstest/scores.json")
    result["of"]["search"]["beam"] = 5
    write_json(path / "scores/newstest/scores.json", result)
    for arguments, sentence in [
        ((runs, Newstest()), f"All runs must be translated alike, but `beam` is 4 for {runs[0][1]} and 5 for {path}."),
        ((runs, Newstest(), "plain"), "The baseline must be one of baseline, sse, but is 'plain' instead."),
        (([*runs, runs[0]], Newstest()), f"Each run must be given once, but {runs[0][1].resolve()} is given 2 times."),
    ]:
        with pytest.raises(UserError) as error:
            compare(*arguments)
        assert str(error.value) == sentence


def test_paper_goes_with_newstest_alone(runs, capsys):
    sentence = "`--published-scores` quotes scores of newstest2008-2018 and needs `--newstest`."
    assert refused(capsys, "compare", f"baseline={runs[0][1]}", "--published-scores") == sentence


@pytest.mark.skipif(not (ROOT.parent / "shared/data/sacrebleu").is_dir(), reason="no newstest beside the project")
def test_the_real_sets():
    code = "from sse_nmt.corpora import newstest; print([len(newstest.load(year)) for year in newstest.SETS])"
    environment = {**os.environ, "SACREBLEU": str(ROOT.parent / "shared/data/sacrebleu"), "PYTHONPATH": ""}
    done = run_command("python", "-c", code, env=environment)
    assert done.stdout == "[2051, 2525, 2489, 3003, 3003, 3000, 3003, 2169, 2999, 3004, 2998]\n", done.stderr


def test_a_set_that_is_not_whole_is_refused():
    code = "from sse_nmt.corpora import newstest; newstest.load(2010)"
    done = run_command("python", "-c", code, env={**os.environ, "PYTHONPATH": ""})
    assert done.returncode == 1 and "UserError: wmt10 must have 2,489 sentences, but " in done.stderr
    assert f" has 6: remove {newstest_cache.FOLDER}/wmt10 for sacreBLEU to fetch it anew" in done.stderr


def test_a_run_of_other_languages_is_refused(runs, capsys):
    path = runs[0][1]
    write_json(path / "run.json", {**read_json(path / "run.json"), "source_lang": "de", "target_lang": "en"})
    assert refused(capsys, "newstest", path) == f"newstest2008–2018 here is en–de, but {path} translates de–en."


def test_a_set_that_cannot_be_had_is_named(tmp_path):
    environment = {**os.environ, "SACREBLEU": str(tmp_path), "https_proxy": "http://127.0.0.1:9"}
    code = "from sse_nmt.corpora import newstest; newstest.load(2011)"
    done = run_command("python", "-c", code, env=environment)
    assert done.returncode == 1 and "UserError: wmt11 cannot be had from sacreBLEU (" in done.stderr
    assert newstest.SETS[2014] == "wmt14/full"
