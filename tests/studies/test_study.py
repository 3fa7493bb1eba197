"""A study from text to page, on real tools."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, read_json, refused, sse_nmt_here

from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.runs.training_log import validation_curve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # for a slow machine: nine trainings
SMALL = {
    "model.encoder_embed_dim": 32, "model.decoder_embed_dim": 32, "model.encoder_layers": 1, "model.decoder_layers": 1,
    "dataset.max_tokens": 400, "optimization.lr": [0.005], "lr_scheduler.warmup_updates": 20,
    "checkpoint.save_interval_updates": 7, "checkpoint.keep_interval_updates": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(toy_text: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    own = {"source": str(toy_text[0]), "target": str(toy_text[1]), "valid": 20, "test": 20, "max_ratio": 3.0}
    other = {"prepare": "files", **own, "seed": 2, "pairs": 60, "vocab_size": 60}
    config, along = (str(ROOT / f"configs/quickstart/{name}.yaml") for name in ("sse_se", "sse_graph"))
    tree = {
        "corpora": {
            "toy": {"prepare": "files", "vocab_size": 80, "sizes": [80, 160], "texts": {"other": other}, **own}
        },
        "systems": {
            "baseline": {"config": config, "set": {"task.sse_prob": 0.0}},
            "sse_graph": {"config": along, "graph": {"build": "pivot", "side": "target"}},
            "broken": {"config": config, "set": {"model.dropoutt": 1}},
        },
        "seeds": [1, 2], "updates": 16, "set": SMALL, "average": 2, "evaluate": {"beam": 1, "max_length": 60},
    }  # fmt: skip
    (folder / "study.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return folder


def study(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "sse_nmt",
        "study",
        str(folder / "study.yaml"),
        "--output",
        str(folder / "out"),
        *words,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def done(folder: Path) -> str:
    """What it said."""
    last = study(folder)
    _, errors = last.communicate(timeout=600)
    assert last.returncode == 1
    return errors


def test_side_by_side_or_alone_it_comes_to_the_same(folder, done):
    """Bytes of what was translated, scores, and every validation loss."""
    words = ["study", folder / "study.yaml", "--output", folder / "unbroken", "--only", "toy-80/sse_graph/1"]
    sse_nmt_here(*words)
    one, other = (RunFolder(folder / name / "toy-80/sse_graph/1") for name in ("out", "unbroken"))
    assert one.scored("test").hypotheses.read_bytes() == other.scored("test").hypotheses.read_bytes()
    scores = [read_json(run.scored("test").scores) for run in (one, other)]
    assert scores[0]["scores"] == scores[1]["scores"] and scores[0]["updates"] == scores[1]["updates"]
    assert validation_curve(one.log) == validation_curve(other.log)


def test_one_system_that_fails_stops_no_other_and_is_named_at_the_end(folder, done):
    assert len(list((folder / "out").glob("toy-*/*/*/scores/test.json"))) == 8
    failed = done[done.index("steps failed") :]
    for name in ("toy-80/broken/1", "toy-160/broken/2"):
        assert re.search(
            rf"^  {name}: .*`?model.dropoutt`?.*\(.*{name.replace('/', '.')}\.log\)$", failed, re.MULTILINE
        )
    assert "baseline" not in failed and re.search(r"^12 cells, \d of them done before\.$", done, re.MULTILINE)
    assert re.search(r"toy-160/sse_graph/2 done in .*\. \d+ done, \d+ running, \d+ waiting", done)
    assert RunFolder(folder / "out/toy-80/baseline/1").system == "baseline"  # not what its configuration is called
    assert "  baseline: update " in (folder / "out/logs/toy-80.baseline.1.log").read_text()
    record = read_json(folder / "out/toy-80/sse_graph/2/scores/test.json")
    assert record["checkpoint"] == "checkpoint_average.pt" and record["search"]["beam"] == 1


def test_finished_cells_are_not_touched_again(folder, done, capsys):
    before = {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("*")}
    words = ["study", folder / "study.yaml", "--output", folder / "out", "--only", "*/[bs]*[es]e*/*"]
    sse_nmt_here(*words)
    printed = capsys.readouterr()
    assert printed.err.splitlines() == ["8 cells, 8 of them done before."]
    assert printed.out.splitlines()[-1] == "8 cells: 8 done"
    assert before == {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("*")}


def test_a_cell_that_is_done_and_no_longer_what_the_study_says_is_refused(folder, done, capsys, tmp_path):
    tree = yaml.safe_load((folder / "study.yaml").read_text())
    (tmp_path / "changed.yaml").write_text(yaml.safe_dump({**tree, "updates": 17}, sort_keys=False))
    words = ["study", tmp_path / "changed.yaml", "--output", folder / "out", "--only", "toy-80/baseline/*"]
    why = (
        "was trained with `optimization.max_update` 16, not 17 as the study now says: give the system another name, "
        f"the study another `--output`, or remove {folder}/out/toy-80/baseline/1"
    )
    with pytest.raises(SystemExit, match="1"):
        sse_nmt_here(*words)
    assert f"  toy-80/baseline/1: {why} (" in capsys.readouterr().err.replace("\n", " (")
    assert refused(capsys, *words, "--report", tmp_path / "report") == f"toy-80/baseline/1 {why}."
    sse_nmt_here(*["study", folder / "study.yaml", *words[2:]], "--keep", tmp_path / "kept")
    capsys.readouterr()
    taking = ["study", tmp_path / "changed.yaml", "--output", tmp_path / "out", "--take", tmp_path / "kept"]
    assert refused(capsys, *taking, after_news=True) == (
        f"{tmp_path}/kept/toy-80.baseline.1.json holds a training with `optimization.max_update` 16, not 17 as the "
        "study says: give the system another name."
    )


def change(folder: Path, path: Path, **changes: object) -> list[object]:
    """Words for the study with changes, in the same folder."""
    tree = yaml.safe_load((folder / "study.yaml").read_text())
    path.write_text(yaml.safe_dump({**tree, **changes}, sort_keys=False))
    return ["study", path, "--output", folder / "out"]


def test_a_cell_that_was_scored_otherwise_is_refused(folder, done, capsys, tmp_path):
    scores = folder / "out/toy-80/baseline/1/scores/test.json"
    for found, changes in (
        ("`beam` 1, not 2", {"evaluate": {"beam": 2, "max_length": 60}}),
        ("`checkpoint` 'checkpoint_average.pt', not 'checkpoint_best.pt'", {"average": 0}),
    ):
        words = change(folder, tmp_path / "changed.yaml", **changes)
        assert refused(capsys, *words, "--report", tmp_path / "report") == (
            f"toy-80/baseline/1 was scored with {found} as the study now says: remove {scores} to score it again."
        )
        with pytest.raises(SystemExit, match="1"):
            sse_nmt_here(*words, "--only", "toy-80/baseline/1")
        assert f"toy-80/baseline/1: was scored with {found}" in capsys.readouterr().err
    sse_nmt_here(*change(folder, tmp_path / "same.yaml"), "--keep", tmp_path / "kept", "--only", "toy-80/*/1")
    capsys.readouterr()
    words = change(folder, tmp_path / "changed.yaml", average=0)
    said = refused(capsys, *words[:2], "--output", tmp_path / "new", "--take", tmp_path / "kept", after_news=True)
    assert said == (
        f"{tmp_path}/kept/toy-80.baseline.1.json holds `test` scored with `checkpoint` 'checkpoint_average.pt', not "
        "'checkpoint_best.pt' as the study says."
    )


def test_a_cell_that_was_begun_otherwise_is_refused_and_one_that_is_damaged_stops_no_other(
    folder, done, capsys, tmp_path
):
    out = tmp_path / "out"
    for seed in (1, 2):
        shutil.copytree(folder / f"out/toy-80/baseline/{seed}", out / f"toy-80/baseline/{seed}")
    shutil.copytree(folder / "out/data", out / "data")
    shutil.copytree(folder / "out/texts", out / "texts")
    record = out / "toy-80/baseline/1/run.json"
    record.write_text(json.dumps({**read_json(record), "status": "interrupted"}))
    words = [*change(folder, tmp_path / "changed.yaml", updates=17)[:2], "--output", out, "--only", "toy-80/baseline/1"]
    with pytest.raises(SystemExit, match="1"):
        sse_nmt_here(*words)
    assert (
        "toy-80/baseline/1: was begun with `optimization.max_update` 16, not 17 as the study now says: give the system "
        f"another name, the study another `--output`, or remove {record.parent}"
    ) in capsys.readouterr().err
    record.write_text("{")
    (out / "toy-80/baseline/2/scores/test.json").unlink()
    words = ["study", folder / "study.yaml", "--output", out]
    with pytest.raises(SystemExit, match="1"):
        sse_nmt_here(*words, "--only", "toy-80/baseline/*")
    said = capsys.readouterr().err
    assert re.search(rf"toy-80/baseline/1: {record} must be .*", said) and "toy-80/baseline/2 done in" in said
    sse_nmt_here(*words, "--list", "--only", "toy-80/baseline/*")
    assert capsys.readouterr().out.splitlines()[-1] == "2 cells: 1 damaged, 1 done"
    assert refused(capsys, *words, "--report", tmp_path / "report").startswith(f"{record} must be ")


def test_text_and_graphs_that_were_made_otherwise_are_refused(folder, done, capsys, tmp_path):
    """In place of a study whose cells are of different texts."""
    tree = yaml.safe_load((folder / "study.yaml").read_text())
    toy, systems = tree["corpora"]["toy"], tree["systems"]
    out, along = folder / "out", {**systems["sse_graph"], "graph": {"build": "pivot", "side": "source"}}
    other = {**toy["texts"]["other"], "seed": 3}
    for cell, made, changes in (
        ("baseline", f"the data of toy-80, but {out}/data/toy-80 was made with `--vocab-size` 80, not 70",
         {"corpora": {"toy": {**toy, "vocab_size": 70}}}),
        ("baseline", f"the data of toy-80, but {out}/data/toy-80 was made with `--max-ratio` 3.0, not 1.5",
         {"corpora": {"toy": {name: value for name, value in toy.items() if name != "max_ratio"}}}),
        ("baseline", f"the data of toy-80, other, but {out}/texts/toy-80/other was made with `--seed` 2, not 3",
         {"corpora": {"toy": {**toy, "texts": {"other": other}}}}),
        ("sse_graph", f"the graph of toy-80, sse_graph, but {out}/graphs/toy-80.sse_graph.npz was made with `side` "
         "'target', not 'source'", {"systems": {**systems, "sse_graph": along}}),
    ):  # fmt: skip
        words = change(folder, tmp_path / "changed.yaml", **changes)
        why = f"{made} as the study now says: choose another `--output`, or remove it"
        said = refused(capsys, *words, "--report", tmp_path / "report")
        assert said == f"toy-80/{cell}/1 needs {why}."
        with pytest.raises(SystemExit, match="1"):
            sse_nmt_here(*words, "--only", f"toy-80/{cell}/*")
        assert f"toy-80/{cell}/1: needs {why}" in capsys.readouterr().err


def test_scores_of_a_text_that_left_the_study_stay_kept(folder, done, capsys, tmp_path):
    words = ["--keep", tmp_path / "kept", "--only", "toy-80/baseline/1"]
    sse_nmt_here("study", folder / "study.yaml", "--output", folder / "out", *words)
    file = tmp_path / "kept/toy-80.baseline.1.json"
    before = file.read_bytes()
    toy = yaml.safe_load((folder / "study.yaml").read_text())["corpora"]["toy"]
    sse_nmt_here(*change(folder, tmp_path / "fewer.yaml", corpora={"toy": {**toy, "texts": {}}}), *words)
    assert set(read_json(file)["scores"]) == {"test", "other"} and file.read_bytes() == before


def test_the_report_says_what_came_out(folder, done, capsys, tmp_path):
    words = ["study", folder / "study.yaml", "--output", folder / "out", "--report", tmp_path]
    sse_nmt_here(*words)
    assert capsys.readouterr().out.split() == [f"{tmp_path}/report.{kind}" for kind in ("html", "md", "json")]
    told = json.loads((tmp_path / "report.json").read_text())
    (sse,) = told["systems"]
    assert set(sse["differences"]) == {"toy-80", "toy-160"} and told["done"] == 8 and told["cells"] == 12
    (verdict,) = told["verdicts"]
    combined = sse["combined"]
    if combined is not None:
        sign = "ahead of" if combined["low"] > 0 else "behind" if combined["high"] < 0 else "not shown to differ from"
        assert f"sse_graph is {sign} the baseline: {combined['value']:+.2f} BLEU" in verdict
    page, text = (tmp_path / "report.html").read_text(), (tmp_path / "report.md").read_text()
    assert verdict.split(":")[0] in page and verdict in text
    assert "8 of 12 cells are done. Until all are, verdicts are preliminary" in page and told["state"] in text
    assert told["state"].endswith("Left are toy-80/broken (2), toy-160/broken (2).")
    assert "mathdefault" not in page  # of tick labels
    assert page.count("<svg") == 6 and "Learning curve: toy" in page and "</html>" in page
    assert not re.search(
        r"(?:src|href)=\"(?!#|data:)", page.replace('xlink:href="#', 'href="#')
    )  # nothing beside itself
    assert "currentColor" in page and "#010203" not in page
    assert list(told["corpora"]) == ["toy-80", "toy-160", "toy-80, other", "toy-160, other"]
    (run, *_) = told["corpora"]["toy-80, other"]["comparison"]["systems"][1]["runs"]
    assert run["folder"] == "toy-80/sse_graph/1" and set(run["scores"]) == {"other"}
    assert told["corpora"]["toy-80"]["words"][0][1:] == ["0", "1", "2–5", "6–20", "21–100", "over 100"]


def test_a_report_needs_something_to_compare(folder, capsys, tmp_path):
    words = ["study", folder / "study.yaml", "--output", tmp_path / "none", "--report", tmp_path / "report"]
    said = refused(capsys, *words)
    assert said == "A report needs cells of the baseline and of another system that are done, but there are none."
    assert not (tmp_path / "report").exists()


def test_kept_cells_are_taken_over_elsewhere_without_training(folder, done, capsys, tmp_path):
    words = ["study", folder / "study.yaml"]
    sse_nmt_here(*words, "--output", folder / "out", "--keep", tmp_path / "kept", "--only", "toy-80/*")
    assert capsys.readouterr().out == f"4 of 6 cells are done, and kept in {tmp_path}/kept.\n"
    kept = sorted(path.name for path in (tmp_path / "kept").iterdir())
    ends = ("json", "test.xz", "other.xz")
    assert kept == sorted(f"toy-80.{s}.{n}.{end}" for s in ("baseline", "sse_graph") for n in (1, 2) for end in ends)
    text = "".join(path.read_text() for path in (tmp_path / "kept").glob("*.json"))
    assert str(folder) not in text and str(ROOT) not in text
    sse_nmt_here(*words, "--output", tmp_path / "out", "--take", tmp_path / "kept")
    assert capsys.readouterr().out.splitlines()[-1] == "12 cells: 4 done, 8 waiting"
    for output, report in ((folder / "out", "there"), (tmp_path / "out", "here")):
        sse_nmt_here(*words, "--output", output, "--report", tmp_path / report, "--only", "toy-80/*")
    for kind in ("html", "md", "json"):
        here, there = ((tmp_path / place / f"report.{kind}").read_text() for place in ("here", "there"))
        assert here.replace(str(tmp_path / "out"), "OUT") == there.replace(str(folder / "out"), "OUT")
    capsys.readouterr()
    tree = yaml.safe_load((folder / "study.yaml").read_text())
    other = tree["corpora"]["toy"]["texts"]
    for name, texts in (("fewer", {}), ("more", {**other, "third": other["other"]})):
        tree["corpora"]["toy"]["texts"] = texts
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    sse_nmt_here("study", tmp_path / "fewer.yaml", "--output", tmp_path / "fewer", "--take", tmp_path / "kept")
    assert capsys.readouterr().out.splitlines()[-1] == "12 cells: 4 done, 8 waiting"
    assert not list((tmp_path / "fewer").rglob("other.*"))
    more = ["study", tmp_path / "more.yaml", "--output", tmp_path / "more", "--take", tmp_path / "kept"]
    assert refused(capsys, *more, after_news=True) == (
        f"{tmp_path}/kept/toy-80.baseline.1.json must have the scores of all texts of the study, but lacks `third`: "
        f"train the cell."
    )
    (tmp_path / "kept/toy-80.sse_graph.2.test.xz").write_bytes(b"no")
    said = refused(capsys, *words, "--output", tmp_path / "again", "--take", tmp_path / "kept", after_news=True)
    assert said.startswith(
        f"{tmp_path}/kept/toy-80.sse_graph.2.test.xz must hold the translations of toy-80/sse_graph/2, but"
    )
    assert sorted(path.name for path in (tmp_path / "again/toy-80/sse_graph/2").iterdir()) == [".lock"]
    shutil.copy(tmp_path / "kept/toy-80.sse_graph.1.test.xz", tmp_path / "kept/toy-80.sse_graph.2.test.xz")
    said = refused(capsys, *words, "--output", tmp_path / "again", "--take", tmp_path / "kept", after_news=True)
    assert said == (
        f"{tmp_path}/kept/toy-80.sse_graph.2.test.xz must hold the translations that were scored, of the text that "
        "was, but does not."
    )
    more = yaml.safe_load((folder / "study.yaml").read_text())
    (tmp_path / "more.yaml").write_text(yaml.safe_dump({**more, "texts": ["test", "valid"]}, sort_keys=False))
    taken = tmp_path / "out/toy-80/baseline/1"
    before = sorted(taken.rglob("*"))
    with pytest.raises(SystemExit, match="1"):
        sse_nmt_here("study", tmp_path / "more.yaml", "--output", tmp_path / "out", "--only", "toy-80/baseline/1")
    said = capsys.readouterr().err
    assert "is not scored on all texts, and was taken over without the checkpoints to do it" in said
    assert f"remove {taken} and train it here" in said and before == sorted(taken.rglob("*"))
    said = refused(capsys, *words, "--output", tmp_path / "again", "--take", tmp_path)
    assert said == f"{tmp_path} must hold cells of the study, such as toy-80.baseline.1.json, but has none."
    said = refused(capsys, *words, "--list", "--keep", tmp_path)
    assert said == "Only one of `--list`, `--keep` can be asked for at a time."
