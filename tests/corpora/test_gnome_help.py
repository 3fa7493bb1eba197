"""GNOME's help as a test text: aligned by structure, and scored by a run that never saw it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import read_json, refused, sse_nmt_here

from sse_nmt.corpora.gnome_help import aligned
from sse_nmt.corpora.test_text import write_test_text
from sse_nmt.system.atomic_files import read_lines
from sse_nmt.system.errors import UserError

PAGE = """<?xml version="1.0"?>
<page xmlns="http://projectmallard.org/1.0/"><info><credit><name>{0}</name></credit><desc>{1}</desc></info>
<title>{2}</title><p>{3}</p><steps><item><p>Same</p></item>{4}</steps></page>
"""


def manifest(source: str, target: str) -> dict[str, object]:
    return {"options": {"source_lang": source, "target_lang": target}, "pairs": {"test": 2}, "fingerprint": "f"}


def write(folder: Path, name: str, *words: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PAGE.format(*words), encoding="utf-8")


def test_blocks_of_pages_of_one_structure_are_pairs(tmp_path):
    source, target = tmp_path / "C", tmp_path / "de"
    write(source, "guide/a.page", "", "One", "Two", "Press <key>A</key>,\n   then <gui>B</gui>.", "")
    credit = "</name></credit><credit><name>Wer"
    write(target, "guide/a.page", credit, "Eins", "Two", "<key>A</key> drücken,   dann <gui>B</gui>.", "")
    write(source, "guide/b.page", "", "x", "x", "x", "<item><p>more</p></item>")
    write(target, "guide/b.page", "", "y", "y", "y", "")
    write(source, "guide/c.page", "", "x", "x", "x", "")
    assert list(aligned(source, target)) == [("One", "Eins"), ("Press A, then B.", "A drücken, dann B.")]
    (target / "guide/c.page").write_text("<page>")
    with pytest.raises(UserError, match=r"c\.page must be XML, but is not: "):
        list(aligned(source, target))


def test_it_has_no_such_language_or_option(tmp_path, capsys):
    said = refused(capsys, "prepare", "gnome-help", tmp_path / "a", "--vocab-size", "100")
    assert said == "`--vocab-size` is no option of the corpus gnome-help."


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A folder as `prepare` leaves a test text."""
    folder = tmp_path / "other"
    folder.mkdir()
    write_test_text(folder, ("en", "de"), [("a b c", "c b a"), ("b c", "c b")])
    (folder / "manifest.json").write_text(json.dumps(manifest("en", "de")))
    return folder


@pytest.fixture
def run(toy_runs: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(toy_runs["baseline"], tmp_path / "run"))


def test_a_run_is_scored_on_a_text_from_elsewhere(run, text, capsys):
    before = (run / "scores/test.json").read_bytes()
    sse_nmt_here("evaluate", run, "--text", text, "--beam", "1")
    printed = json.loads(capsys.readouterr().out)
    assert printed == read_json(run / "scores/other.json") and printed["split"] == "other" and printed["sentences"] == 2
    assert read_lines(run / "scores/other.ref") == ["c b a", "c b"]
    assert (run / "scores/test.json").read_bytes() == before
    sse_nmt_here("compare", run, "--split", "other")
    assert "2 other sentences" in capsys.readouterr().out


def test_texts_that_cannot_be_scored(run, text, tmp_path, capsys):
    assert refused(capsys, "evaluate", run, "--text", tmp_path).endswith("but holds no manifest.json.")
    for words, said in (
        (("--split", "valid"), "`--split` is for a run's own text, not for `--text`."),
        (("--hypotheses", "x", "--reference", "y"), "needs either RUN or both"),
    ):
        assert said in refused(capsys, "evaluate", run, "--text", text, *words)
    (text / "manifest.json").write_text(json.dumps(manifest("de", "en")))
    assert refused(capsys, "evaluate", run, "--text", text) == (
        f"{text} must hold text of en and de, but holds de and en instead."
    )
    renamed = text.rename(tmp_path / "test")
    assert refused(capsys, "evaluate", run, "--text", renamed) == (
        "`--text` must be a folder named letters, digits, and . _ + - within, not test or valid: 'test'."
    )
    said = refused(capsys, "compare", run, "--split", "nowhere")
    assert said.startswith(f"{run} must be scored on its nowhere text first")
    assert refused(capsys, "train", renamed, f"configs/quickstart/baseline.yaml={tmp_path}/new") == (
        f"{renamed} must hold text to train on, but holds a test text alone."
    )
