"""Which pairs are first, and a sample of them, against plain Python."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from sse_nmt.corpora.pipeline import duplicates
from sse_nmt.corpora.pipeline.duplicates import mark_first, read_mask
from sse_nmt.text.bitext import Bitext
from sse_nmt.text.sampling import sample_pairs


def firsts(values: list[int]) -> list[bool]:
    seen: set[int] = set()
    return [not (value in seen or seen.add(value)) for value in values]


@pytest.mark.parametrize("at_once", [50, 333, 999, 1000, 1 << 22])
@pytest.mark.parametrize("different", [1, 30, 2000])
def test_the_first_of_each_hash(tmp_path, monkeypatch, at_once, different):
    monkeypatch.setattr(duplicates, "_AT_ONCE", at_once)
    random = np.random.default_rng(at_once + different)
    pool = random.integers(0, 2**64, size=different, dtype=np.uint64)  # the highest bit too
    values = random.choice(pool, size=1000)
    values.tofile(tmp_path / "hashes")
    mask = mark_first(tmp_path / "hashes", tmp_path / "mask")
    assert mask.tolist() == read_mask(tmp_path / "mask").tolist() == firsts(values.tolist())


def test_no_pairs_at_all(tmp_path):
    (tmp_path / "hashes").touch()
    assert mark_first(tmp_path / "hashes", tmp_path / "mask").tolist() == []
    assert read_mask(tmp_path / "mask").tolist() == []


SIZES = (40, 0, 25, 35)


@pytest.fixture
def bitexts(tmp_path: Path) -> list[Bitext]:
    """Lines 0, 1, … through all of them, on both sides."""
    made, line = [], 0
    for number, size in enumerate(SIZES):
        paths = [tmp_path / f"{number}.{side}" for side in ("source", "target")]
        for path in paths:
            path.write_text("".join(f"{path.suffix[1:]} {i}\n" for i in range(line, line + size)))
        made.append(Bitext(str(number), *paths, size))
        line += size
    return made


def places(pairs: list[tuple[str, str]]) -> list[int]:
    assert all(source.split()[1] == target.split()[1] for source, target in pairs)
    assert all(source.startswith("source ") and target.startswith("target ") for source, target in pairs)
    return [int(source.split()[1]) for source, _ in pairs]


KEEP = np.random.default_rng(1).random(100) < 0.6


def test_a_sample_is_of_the_marked_pairs_in_their_order(bitexts):
    sample = places(list(sample_pairs(bitexts, KEEP, 20, seed=1)))
    assert len(sample) == 20 == len(set(sample)) and sample == sorted(sample)
    assert set(sample) <= set(np.flatnonzero(KEEP).tolist())


def test_a_sample_depends_on_the_seed_alone(bitexts):
    first, again, other = (list(sample_pairs(bitexts, KEEP, 20, seed)) for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("more", [0, 1, 1000])
def test_a_sample_of_all_or_more_is_all(bitexts, more):
    marked = np.flatnonzero(KEEP).tolist()
    assert places(list(sample_pairs(bitexts, KEEP, len(marked) + more, seed=1))) == marked


def test_every_pair_is_as_likely_as_any(bitexts):
    """300 samples of 20 of 60: each pair is expected 100 times, give or take 8.2."""
    keep = np.arange(100) % 5 < 3
    counts = Counter(place for seed in range(300) for place in places(list(sample_pairs(bitexts, keep, 20, seed))))
    assert counts.total() == 6000 and set(counts) == set(np.flatnonzero(keep).tolist())
    assert all(60 < count < 140 for count in counts.values())
