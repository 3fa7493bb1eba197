"""The measurement of preparing runs the pipeline on text that is as it says."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

import pytest

from sse_nmt.bench.made_up_bitext import write_bitext
from sse_nmt.bench.options import PreparationOptions
from sse_nmt.bench.prepare import bench_prepare
from sse_nmt.cli import build_parser
from sse_nmt.system.atomic_files import read_lines, write_lines
from sse_nmt.system.errors import UserError

STEPS = ["cleaning", "finding duplicates", "segmenting and binarising", "all but learning"]


def run(*words: object) -> None:
    """The command, in this process."""
    options = build_parser().parse_args(["bench", "prepare", *map(str, words)])
    options.call(options)


def made_up(folder: Path, name: str, pairs: int, seed: int) -> list[tuple[str, str]]:
    files = folder / f"{name}.source", folder / f"{name}.target"
    write_bitext(*files, pairs, seed)
    return list(zip(*map(read_lines, files), strict=True))


@pytest.fixture(scope="module")
def bitext(tmp_path_factory) -> list[tuple[str, str]]:
    return made_up(tmp_path_factory.mktemp("made-up"), "one", 20_000, 1)


def test_made_up_lines_have_the_lengths_of_europarl(bitext):
    for side in (0, 1):
        words = [len(pair[side].split()) for pair in bitext if pair[side]]
        assert statistics.mean(words) == pytest.approx(25, abs=0.5)
        assert statistics.median(words) == pytest.approx(25 * 0.86, abs=1)  # log-normal: the tail is to the right
        assert statistics.mean(len(pair[side]) for pair in bitext if pair[side]) == pytest.approx(150, abs=8)
    assert 0.5 < statistics.mean(not target.isascii() for _, target in bitext) < 1
    assert all(source.isascii() for source, _ in bitext)


def test_made_up_pairs_correspond_and_each_rule_finds_some(bitext):
    found = {
        "empty": sum(not all(pair) for pair in bitext),
        "untranslated": sum(source == target for source, target in bitext),
        "duplicate": len(bitext) - len(set(bitext)),
    }
    assert all(0.001 < count / len(bitext) < 0.02 for count in found.values()), found
    ratios = [len(target.split()) / len(source.split()) for source, target in bitext if target]
    assert 0 < statistics.mean(not 1 / 1.5 <= ratio <= 1.5 for ratio in ratios) < 0.01


def test_made_up_words_follow_zipf(bitext):
    words: dict[str, int] = {}
    for source, _ in bitext:
        for word in source.rstrip(".").lower().split():
            words[word] = words.get(word, 0) + 1
    ranked = sorted(words.values(), reverse=True)
    for rank in (10, 100, 1000):
        assert ranked[0] / ranked[rank - 1] == pytest.approx(rank, rel=0.15)


def test_a_made_up_text_is_seeded_and_begins_as_a_longer_one_does(bitext, tmp_path):
    assert made_up(tmp_path, "again", 300, 1) == bitext[:300]
    assert made_up(tmp_path, "other", 300, 2) != bitext[:300]


def check(printed: str, pairs: int) -> None:
    """The table: a row a step, rates that are pairs over seconds, and sums that are sums."""
    heading, header, *lines = printed.rstrip().splitlines()
    assert re.search(r"a source line has \d+ characters, [\d.]+ pieces, a target line \d+ characters, ", heading)
    assert header.split() == ["pairs", "pairs/s", "seconds", "CPU", "seconds", "peak", "MiB"]
    rows = {}
    for line in lines:
        row = re.fullmatch(r"(\S+(?: \S+)*?) {2,}(.*)", line)
        assert row is not None
        rows[row[1]] = [float(cell.replace(",", "")) for cell in row[2].split()]
    learning, child = rows.pop("learning the pieces"), rows.pop("the largest child process")
    assert list(rows) == STEPS and len(learning) == 3 and len(child) == 1 and child[0] > 50
    for given, rate, seconds, _, peak in rows.values():
        assert 0 < given <= pairs and peak > 20
        assert given / (seconds + 0.06) - 1 < rate < given / max(seconds - 0.06, 1e-9) + 1
    *each, everything = rows.values()
    assert rows["cleaning"][0] == everything[0] == pairs > rows["segmenting and binarising"][0]
    assert everything[2] == pytest.approx(sum(row[2] for row in each), abs=0.16)


def test_the_table_of_a_made_up_text(real_processes, capsys):
    run("--pairs", 1500, "--vocab-size", 300, "--sample", 300)
    printed = capsys.readouterr().out
    assert printed.startswith("1,500 made-up pairs, 1,")
    check(printed, 1500)


def test_the_table_of_two_files(toy_text, capsys):
    """Of which the first pairs are taken."""
    source, target = toy_text
    run("--pairs", 150, "--source", source, "--target", target, "--vocab-size", 80)
    assert capsys.readouterr().out.startswith("150 pairs, 14")


def test_files_that_are_not_there_or_too_short(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    both = {"source": str(source), "target": str(target)}
    write_lines(source, ["a line"] * 200)
    refused(f"{target} must be a text file, but there is none.", pairs=200, **both)
    write_lines(target, ["a line"] * 199)
    refused(f"{target} must have `--pairs` 200 lines, but has 199 instead.", pairs=200, **both)
    refused(f"{source} must have `--pairs` 201 lines, but has 200 instead.", pairs=201, **both)
    sentence = "`--source` and `--target` must be given both or neither, but only one of them is given."
    refused(sentence, source=str(source))
    refused(sentence, target=str(target))


def test_numbers_that_are_too_small():
    refused("`--pairs` must be at least 100, but is 99 instead.", pairs=99)
    refused("`--vocab-size` must be at least 1, but is 0 instead.", vocab_size=0)
    refused("`--sample` must be at least 1, but is 0 instead.", sample=0)


def refused(sentence: str, **options: object) -> None:
    with pytest.raises(UserError) as error:
        bench_prepare(PreparationOptions(**options))  # type: ignore[arg-type]
    assert str(error.value) == sentence
