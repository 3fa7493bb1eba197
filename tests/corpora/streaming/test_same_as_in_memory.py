"""Cleaning and segmenting block by block, on several processes, gives what the functions for text in memory give."""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import run_command
from toy_corpus import sentences

from sse_nmt.atomic_files import read_lines
from sse_nmt.corpora.cleaning import clean_documents, normalise, within_length
from sse_nmt.corpora.options import LengthRules
from sse_nmt.corpora.pairs import Document, Pair
from sse_nmt.corpora.segmentation import train_model
from sse_nmt.corpora.streaming import blocks, clean
from sse_nmt.corpora.streaming.blocks import Bitext, count_lines
from sse_nmt.corpora.streaming.duplicates import mark_first
from sse_nmt.corpora.streaming.segment import segment

_NOISE = ["", " ", "\u00ad", "\t", "  Haus", "\u200bHaus ", "Haus\r", "u\u0308ber", "über", "\u2028", "\x85", "a\x0bb"]


@pytest.fixture
def corpora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Bitext, list[Pair]]]:
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


def test_the_same_pairs_and_the_same_counts(corpora, tmp_path):
    bitexts = [bitext for bitext, _ in corpora]
    assert [(count_lines(bitext.source), count_lines(bitext.target)) for bitext in bitexts] == [
        (bitext.pairs, bitext.pairs) for bitext in bitexts
    ]
    in_tests = [sentences(200)[3], sentences(200)[150]]
    rules = LengthRules(min_length=3, max_length=60, max_ratio=2.5, typical_ratio=1.2)
    model = train_model(sentences(100), 60, tmp_path / "model")

    # In memory: all that is not in the tests, as one run of documents.
    removed: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    sources, targets = ({pair[side] for pair in in_tests} for side in (0, 1))
    documents = []
    for bitext, pairs in corpora:
        tidy = [(normalise(source), normalise(target)) for source, target in pairs]
        rest = [raw for raw, pair in zip(pairs, tidy, strict=True) if pair[0] not in sources and pair[1] not in targets]
        removed["in a test set"] += len(tidy) - len(rest)
        documents.append(Document(bitext.name, rest))
    documents = list(clean_documents(documents, removed, characters))
    kept = {each.name: list(within_length(each.pairs, lambda line: len(model.encode(line)), rules, removed))
            for each in documents}  # fmt: skip
    assert min(removed.values()) > 0 and set(removed) == {
        *("in a test set", "empty", "untranslated", "duplicate", "length", "ratio")
    }

    # In blocks.
    counts = clean.clean(bitexts, clean.TestSentences.of(in_tests), tmp_path / "clean", tmp_path / "hashes")
    cleaned = [Bitext(bitext.name, *clean.clean_files(tmp_path / "clean", bitext.name), counts[bitext.name]["kept"])
               for bitext in bitexts]  # fmt: skip
    keep = mark_first(tmp_path / "hashes", tmp_path / "mask")
    files = [tmp_path / name for name in ("text.en", "text.de", "pieces.en", "pieces.de")]
    corpora_left, pieces = segment(cleaned, keep, tmp_path / "model", rules, files)

    lines = [read_lines(path) for path in files]
    everything = [pair for pairs in kept.values() for pair in pairs]
    assert list(zip(*lines[:2], strict=True)) == everything
    assert lines[2:] == [[" ".join(model.encode(pair[side], out_type=str)) for pair in everything] for side in (0, 1)]
    assert pieces == Counter(piece for side in lines[2:] for line in side for piece in line.split())
    dropped = sum((each.removed for each in corpora_left.values()), sum(counts.values(), Counter()))
    del dropped["kept"]
    assert dropped.pop("invisible") == characters["invisible"] > 0
    assert dropped == removed
    for name, each in corpora_left.items():
        tokens = [sum(len(model.encode(pair[side])) for pair in kept[name]) for side in (0, 1)]
        assert [each.pairs, each.source_tokens, each.target_tokens] == [len(kept[name]), *tokens]


def test_lines_that_are_not_utf_8_are_counted(tmp_path):
    (tmp_path / "en").write_bytes(b"good\ncaf\xe9\n\xff\xfe\nalso good")
    (tmp_path / "de").write_bytes(b"gut\nKaffee\nnichts\nauch gut")
    bitext = Bitext("here", tmp_path / "en", tmp_path / "de", count_lines(tmp_path / "en"))
    counts = clean.clean([bitext], clean.TestSentences.of([]), tmp_path / "clean", tmp_path / "hashes")
    assert counts == {"here": {"kept": 2, "not UTF-8": 2}}
    assert read_lines(tmp_path / "clean/here.source") == ["good", "also good"]
    assert read_lines(tmp_path / "clean/here.target") == ["gut", "auch gut"]
    assert np.fromfile(tmp_path / "hashes", np.uint64).shape == (2,)


# With small blocks and shares even the smaller corpus is many times what is under way at once.
_PEAK = """
import re, sys
from pathlib import Path
from sse_nmt.corpora.options import LengthRules
from sse_nmt.corpora.streaming import blocks, clean, duplicates, sample, segment
folder, pairs, model = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
blocks.BLOCK, duplicates._AT_ONCE = 500, 5000
for side in ("source", "target"):
    with open(folder / side, "w") as file:
        file.writelines(f"{side} {i}\\n" for i in range(pairs))
bitext = blocks.Bitext("corpus", folder / "source", folder / "target", pairs)
clean.clean([bitext], clean.TestSentences.of([]), folder / "clean", folder / "hashes")
cleaned = blocks.Bitext("corpus", *clean.clean_files(folder / "clean", "corpus"), pairs)
keep = duplicates.mark_first(folder / "hashes", folder / "mask")
assert keep.all() and len(list(sample.sample_pairs([cleaned], keep, 1000, 1))) == 1000
files = [folder / name for name in ("text.en", "text.de", "pieces.en", "pieces.de")]
left, _ = segment.segment([cleaned], keep, model, LengthRules(max_ratio=9), files)
assert left["corpus"].pairs == pairs
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_memory_does_not_grow_with_the_text(tmp_path):
    """90,000 pairs more take 9 bytes each (hash and mark), 0.8 MB, and not the 10 MB of as many pairs of strings."""
    train_model([(f"source {i}", f"target {i}") for i in range(500)], 30, tmp_path / "model")
    peaks = []
    for pairs in (10_000, 100_000):
        folder = tmp_path / str(pairs)
        folder.mkdir()
        done = run_command(sys.executable, "-c", _PEAK, str(folder), str(pairs), str(tmp_path / "model"))
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout) * 1024)
    assert peaks[1] - peaks[0] < 3_000_000, peaks
