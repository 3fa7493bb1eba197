"""Cleaning and segmenting block by block, on several processes, gives what a loop over pairs in memory gives."""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import run_command
from toy_corpus import sentences

from sse_nmt.corpora.pipeline import clean
from sse_nmt.corpora.pipeline.binary_text import ModelIds
from sse_nmt.corpora.pipeline.duplicates import mark_first
from sse_nmt.corpora.pipeline.segment import segment
from sse_nmt.system.atomic_files import read_lines
from sse_nmt.text import blocks
from sse_nmt.text.bitext import Bitext, count_lines
from sse_nmt.text.cleaning import normalise
from sse_nmt.text.length_rules import LengthRules, violated_length_rule
from sse_nmt.text.pairs import SentencePair
from sse_nmt.text.subwords import Segmenter, train_model

_NOISE = ["", " ", "\u00ad", "\t", "  Haus", "\u200bHaus ", "Haus\r", "u\u0308ber", "über", "\u2028", "\x85", "a\x0bb"]


@pytest.fixture
def corpora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Bitext, list[SentencePair]]]:
    """Three corpora of noise and sentences, each in several blocks, and one without a line."""
    monkeypatch.setattr(blocks, "BLOCK", 64)
    generator = random.Random(1)
    made = []
    for name, count in (("first", 300), ("none", 0), ("second", 128), ("third", 129)):
        pairs = []
        for _ in range(count):
            pair = generator.choice(sentences(100))
            if generator.random() < 0.2:
                pair = generator.choice(_NOISE), generator.choice([*_NOISE, pair[1]])
            if generator.random() < 0.2:
                pair = pair[0], " ".join([pair[1]] * generator.randint(2, 4))
            pairs.append(pair)
        paths = [tmp_path / f"{name}.{language}" for language in ("en", "de")]
        for side, path in enumerate(paths):
            path.write_bytes("".join(f"{pair[side]}\n" for pair in pairs).encode())
        made.append((Bitext(name, *paths, count), pairs))
    return made


def by_hand(
    corpora: list[tuple[Bitext, list[SentencePair]]], in_tests: list[SentencePair], rules: LengthRules, model: Any
) -> tuple[dict[str, list[SentencePair]], Counter[str], int]:
    """Corpus -> the pairs that are left; what was removed; how many characters that nobody sees."""
    removed: Counter[str] = Counter()
    kept: dict[str, list[SentencePair]] = {}
    seen: set[SentencePair] = set()
    invisible = 0
    for bitext, pairs in corpora:
        kept[bitext.name] = []
        for raw in pairs:
            invisible += sum(side.count(character) for side in raw for character in "\u00ad\u200b")
            pair = normalise(raw[0]), normalise(raw[1])
            lengths = [len(model.encode(side)) for side in pair]
            scaled = sorted([lengths[0] * rules.typical_ratio, lengths[1]])
            if "" in pair:
                removed["empty"] += 1
            elif pair[0] == pair[1]:
                removed["untranslated"] += 1
            elif any(pair[side] == test[side] for test in in_tests for side in (0, 1)):
                removed["in a test set"] += 1
            elif pair in seen:
                removed["duplicate"] += 1
            elif min(lengths) < rules.min_length or max(lengths) > rules.max_length:
                seen.add(pair)
                removed["length"] += 1
            elif scaled[1] / scaled[0] > rules.max_ratio and ((scaled[1] - scaled[0]) / rules.typical_ratio**0.5 > 8):
                seen.add(pair)
                removed["ratio"] += 1
            else:
                seen.add(pair)
                kept[bitext.name].append(pair)
    return kept, removed, invisible


@pytest.mark.parametrize("limit", [None, 1, 10, 25, 10_000])
def test_the_same_pairs_and_the_same_counts(corpora, tmp_path, limit):
    bitexts = [bitext for bitext, _ in corpora]
    assert [(count_lines(bitext.source), count_lines(bitext.target)) for bitext in bitexts] == [
        (bitext.pairs, bitext.pairs) for bitext in bitexts
    ]
    in_tests = [sentences(200)[3], sentences(200)[150]]
    rules = LengthRules(min_length=3, max_length=60, max_ratio=2.49, typical_ratio=1.2)
    model = train_model(sentences(100), 60, tmp_path / "model")
    kept, removed, invisible = by_hand(corpora, in_tests, rules, model)
    assert min(removed.values()) > 0 and set(removed) == {
        *("in a test set", "empty", "untranslated", "duplicate", "length", "ratio")
    }

    counts = clean.clean(bitexts, {"in a test set": in_tests}, tmp_path / "clean", tmp_path / "hashes")
    cleaned = cleaned_bitexts(bitexts, tmp_path / "clean", counts)
    keep = mark_first(tmp_path / "hashes", tmp_path / "mask")
    files = [tmp_path / name for name in ("text.en", "text.de", "pieces.en", "pieces.de")]
    ids = [ModelIds(Segmenter(model).pieces, tmp_path) for _ in range(2)]
    corpora_left = segment(cleaned, keep, tmp_path / "model", rules, files, ids, limit)

    lines = [read_lines(path) for path in files]
    everything = [pair for pairs in kept.values() for pair in pairs][:limit]
    assert list(zip(*lines[:2], strict=True)) == everything
    assert lines[2:] == [[" ".join(model.encode(pair[side], out_type=str)) for pair in everything] for side in (0, 1)]
    for side, side_ids in zip(lines[2:], ids, strict=True):
        stand = Counter(piece for line in side for piece in line.split())
        assert (Segmenter(model).counts(stand) == side_ids.counts).all()
    assert sum(each.pairs for each in corpora_left.values()) == len(everything)
    tokens = [sum(len(line.split()) for line in side) for side in lines[2:]]
    assert [sum(getattr(each, name) for each in corpora_left.values()) for name in
            ("source_tokens", "target_tokens")] == tokens  # fmt: skip
    if limit in (None, 10_000):
        dropped = sum((each.removed for each in corpora_left.values()), sum(counts.values(), Counter()))
        del dropped["kept"]
        assert dropped.pop("invisible") == invisible > 0
        assert dropped == removed
        assert [each.pairs for each in corpora_left.values()] == [len(pairs) for pairs in kept.values()]


def test_what_comes_after_the_last_pair_is_not_looked_at(corpora, tmp_path):
    """A limit gives what the text up to there gives."""
    bitexts = [corpora[0][0]]
    model = train_model(sentences(100), 60, tmp_path / "model")
    rules = LengthRules(min_length=3, max_length=60, max_ratio=2.5)
    counts = clean.clean(bitexts, {}, tmp_path / "clean", tmp_path / "hashes")
    (cleaned,) = cleaned_bitexts(bitexts, tmp_path / "clean", counts)
    files = [tmp_path / name for name in ("text.en", "text.de", "pieces.en", "pieces.de")]
    pairs = list(zip(read_lines(cleaned.source), read_lines(cleaned.target), strict=True))
    good = [violated_length_rule(*(len(model.encode(side)) for side in pair), rules) is None for pair in pairs]
    last = [place for place, is_good in enumerate(good) if is_good][99]
    results = []
    for keep, limit in ((np.ones(len(pairs), dtype=bool), 100), (np.arange(len(pairs)) <= last, None)):
        ids = [ModelIds(Segmenter(model).pieces, tmp_path) for _ in range(2)]
        left = segment([cleaned], keep, tmp_path / "model", rules, files, ids, limit)
        del left["first"].removed["duplicate"]
        counts = [side.counts.tolist() for side in ids]
        results.append((left, counts, [path.read_bytes() for path in files]))
    assert results[0] == results[1] and results[0][0]["first"].pairs == 100


def cleaned_bitexts(bitexts: list[Bitext], folder: Path, counts: dict[str, Counter[str]]) -> list[Bitext]:
    files = [clean.CleanFiles.of(folder, bitext.name) for bitext in bitexts]
    return [
        Bitext(bitext.name, each.source, each.target, counts[bitext.name]["kept"])
        for bitext, each in zip(bitexts, files, strict=True)
    ]


def test_lines_that_are_not_utf_8_are_counted(tmp_path):
    (tmp_path / "en").write_bytes(b"good\ncaf\xe9\n\xff\xfe\nalso good")
    (tmp_path / "de").write_bytes(b"gut\nKaffee\nnichts\nauch gut")
    bitext = Bitext("here", tmp_path / "en", tmp_path / "de", count_lines(tmp_path / "en"))
    counts = clean.clean([bitext], {}, tmp_path / "clean", tmp_path / "hashes")
    assert counts == {"here": {"kept": 2, "not UTF-8": 2}}
    assert read_lines(tmp_path / "clean/here.source") == ["good", "also good"]
    assert read_lines(tmp_path / "clean/here.target") == ["gut", "auch gut"]
    assert np.fromfile(tmp_path / "hashes", np.uint64).shape == (2,)


# With small blocks and shares even the smaller corpus is many times what is under way at once.
_PEAK = """
import re, sys
from pathlib import Path
from sse_nmt.text.length_rules import LengthRules
from sse_nmt.corpora.pipeline import binary_text, clean, duplicates, segment
from sse_nmt.text.subwords import Segmenter, load_model
from sse_nmt.text import blocks, sampling as sample
from sse_nmt.text.bitext import Bitext
folder, pairs, model = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
blocks.BLOCK, duplicates._AT_ONCE = 500, 5000
for side in ("source", "target"):
    with open(folder / side, "w") as file:
        file.writelines(f"{side} {i}\\n" for i in range(pairs))
bitext = Bitext("corpus", folder / "source", folder / "target", pairs)
clean.clean([bitext], {}, folder / "clean", folder / "hashes")
files = clean.CleanFiles.of(folder / "clean", "corpus")
cleaned = Bitext("corpus", files.source, files.target, pairs)
keep = duplicates.mark_first(folder / "hashes", folder / "mask")
assert keep.all() and len(list(sample.sample_pairs([cleaned], keep, 1000, 1))) == 1000
files = [folder / name for name in ("text.en", "text.de", "pieces.en", "pieces.de")]
ids = [binary_text.ModelIds(Segmenter(load_model(model)).pieces, folder) for side in range(2)]
left = segment.segment([cleaned], keep, model, LengthRules(max_ratio=9), files, ids)
assert left["corpus"].pairs == pairs
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_memory_does_not_grow_with_the_text(tmp_path):
    """90,000 pairs more take 17 bytes each (hash, mark, lengths), 1.5 MB, not the 10 MB of as many strings."""
    train_model([(f"source {i}", f"target {i}") for i in range(500)], 30, tmp_path / "model")
    peaks = []
    for pairs in (10_000, 100_000):
        folder = tmp_path / str(pairs)
        folder.mkdir()
        done = run_command(sys.executable, "-c", _PEAK, str(folder), str(pairs), str(tmp_path / "model"))
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout) * 1024)
    assert peaks[1] - peaks[0] < 3_000_000, peaks
