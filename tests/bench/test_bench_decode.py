"""The measurement of decoding: all engines on the same sentences, scored."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from sse_nmt.bench.decode import bench_decode
from sse_nmt.bench.options import DecodingOptions
from sse_nmt.cli import build_parser
from sse_nmt.system.atomic_files import read_lines
from sse_nmt.system.errors import UserError

OWN = ["CTranslate2 float32", "CTranslate2 int8"]
ENGINES = [*OWN, *(f"{name}, 1000 candidates" for name in OWN), "fairseq-generate"]


@pytest.mark.slow
def test_the_table_of_engines(toy_runs, capsys):
    """Float32 translates as fairseq does, and nothing is written into the run folder."""
    run = toy_runs["baseline"]
    before = sorted(run.rglob("*"))
    words = ["bench", "decode", str(run), "--sentences", "12", "--rounds", "2", "--beam", "2", "--candidates", "1000"]
    options = build_parser().parse_args(words)
    options.call(options)
    printed = capsys.readouterr().out
    assert sorted(run.rglob("*")) == before
    assert printed.startswith(f"12 sentences of {run}/text/test.en, of ")
    assert "; beam 2, length penalty 0.6, at most 200 pieces; seed 1, " in printed
    assert printed.splitlines()[-1].startswith("BLEU: nrefs:1|case:mixed|")
    number = r" +([\d.]+) \[([\d.]+), ([\d.]+)\]"
    rows = re.findall(rf"^(\S.*?) {{2,}}{number[2:]}{number} +([\d.]+) +([+-][\d.]+)$", printed, re.MULTILINE)
    assert [row[0] for row in rows] == ENGINES
    rates, ratios, bleu, differences = ([float(row[i]) for row in rows] for i in (1, 4, 7, 8))
    for low, median, high in ([float(row[i]) for i in (2, 1, 3)] for row in rows):
        assert 0 < low <= median <= high
    assert ratios[-1] == 1 and ratios[0] == pytest.approx(rates[0] / rates[-1], rel=1)
    assert differences == pytest.approx([score - bleu[-1] for score in bleu], abs=0.011)
    assert abs(differences[0]) < 0.1 and bleu[-1] > 20 and bleu[:2] == bleu[2:4]


@pytest.fixture
def copied(toy_runs: dict[str, Path], tmp_path: Path) -> Path:
    """A run folder to spoil."""
    return Path(shutil.copytree(toy_runs["baseline"], tmp_path / "run"))


def test_too_few_sentences(copied):
    test = copied / "text/test.en"
    lines = read_lines(test)
    sentence = f"`--sentences` must be at most {len(lines)}, all that {test} has, but is {len(lines) + 1} instead."
    refused(sentence, copied, sentences=len(lines) + 1)
    test.unlink()
    refused(f"{test} must be the test text, but there is no such file.", copied)


def test_no_run_folder(tmp_path):
    refused(f"{tmp_path} must be a run folder, but holds no run.json.", tmp_path)


def test_numbers_that_are_too_small(tmp_path):
    refused("`--sentences` must be at least 1, but is 0 instead.", tmp_path, sentences=0)
    refused("`--rounds` must be at least 2, but is 1 instead.", tmp_path, rounds=1)
    refused("`--beam` must be at least 1, but is 0 instead.", tmp_path, beam=0)


def refused(sentence: str, run: Path, **options: int) -> None:
    with pytest.raises(UserError) as error:
        bench_decode(run, DecodingOptions(**options))  # type: ignore[arg-type]
    assert str(error.value) == sentence
