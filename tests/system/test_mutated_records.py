"""JSON files of a run and of its data, changed in every way that a schema knows: a sentence, or the same as before."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from robustness.mutants import of_json

from sse_nmt.evaluation.comparison import compare
from sse_nmt.evaluation.report import as_json, as_markdown
from sse_nmt.evaluation.scored_runs import check_one_search, check_seeds, language_and_tokeniser
from sse_nmt.evaluation.suites import OneText
from sse_nmt.runs.run_folder import RunFolder
from sse_nmt.system.errors import UserError
from sse_nmt.system.records import parse_record, read_record
from sse_nmt.text.manifest import Manifest

_COUNT, _WHOLE = 400, 4


def mutants(data: bytes) -> Iterator[bytes]:
    return of_json(data, _COUNT, random.Random(1))


@pytest.fixture
def runs(toy_runs: dict[str, Path], tmp_path: Path) -> list[tuple[str, Path]]:
    found = []
    for name in ("baseline", "sse_se"):
        shutil.copytree(toy_runs[name], tmp_path / name, ignore=shutil.ignore_patterns("*.pt", "ctranslate2"))
        found.append((name, tmp_path / name))
    return found


def read_run(path: Path) -> None:
    """All that a comparison takes from the JSON of a run."""
    run, suite = RunFolder(path), OneText("test")
    check_seeds([("a", run)])
    scores = {run.path: suite.scores(run)}
    check_one_search(scores)
    language_and_tokeniser([("a", run)], scores, None)
    assert isinstance(run.record["seed"], int) and isinstance(run.record["data"]["fingerprint"], str)


@pytest.mark.parametrize("file", ["run.json", "scores/test.json"])
def test_what_is_wrong_with_a_run_is_said(runs, file):
    path = runs[1][1] / file
    refused_ones = 0
    for data in mutants(path.read_bytes()):
        path.write_bytes(data)
        try:
            read_run(runs[1][1])
        except UserError as error:
            refused_ones += 1
            assert "\n" not in str(error) and len(str(error)) < 2000
    assert refused_ones > 100


@pytest.mark.parametrize("file", ["run.json", "scores/test.json"])
def test_a_comparison_of_what_is_let_through_is_whole(runs, file):
    path = runs[1][1] / file
    good, through = path.read_bytes(), 0
    for data in mutants(good):
        path.write_bytes(data)
        with contextlib.suppress(UserError):
            read_run(runs[1][1])
            comparison = compare(runs, OneText("test"))
            assert "| baseline" in as_markdown(comparison) and json.dumps(as_json(comparison), allow_nan=False)
            through += 1
        if through == _WHOLE:
            return
    raise AssertionError(through)


def test_a_manifest_that_is_none(toy_data, tmp_path):
    path = tmp_path / "manifest.json"
    for data in mutants((toy_data / "manifest.json").read_bytes()):
        path.write_bytes(data)
        try:
            read = read_record(path, Manifest)
        except UserError as error:
            assert str(error).startswith(f"{path} must be as sse-nmt wrote it, but is damaged or changed (")
        else:
            assert isinstance(read["fingerprint"], str) and all(count >= 0 for count in read["pairs"].values())


def test_a_file_larger_than_any_of_ours_is_not_read(tmp_path, monkeypatch):
    from sse_nmt.system import records

    monkeypatch.setattr(records, "LARGEST", 10)
    (tmp_path / "a.json").write_text('{"seed": 123456}')
    with pytest.raises(UserError, match=r"a\.json must be at most 10 bytes long, as what sse-nmt writes, but is 16\.$"):
        read_record(tmp_path / "a.json", dict[str, int])
    with pytest.raises(UserError, match=r"^x must be as .*Expected `int`, got `str` - at `\$\[...\]`"):
        parse_record(b'{"a": "b"}', dict[str, int], "x")


def test_changed_translations_are_not_those_that_were_scored(runs):
    path = runs[1][1]
    lines = (path / "scores/test.hyp").read_text(encoding="utf-8").splitlines()
    (path / "scores/test.hyp").write_text("\n".join(["Better .", *lines[1:]]) + "\n", encoding="utf-8")
    with pytest.raises(UserError) as error:
        compare(runs, OneText("test"))
    assert str(error.value) == (
        f"{path}/scores must hold the translations that test.json tells of, but they were changed since: score {path} "
        f"again (`sse-nmt evaluate {path}`)."
    )
    assert RunFolder(path).record["status"] == "finished"
