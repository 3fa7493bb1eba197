"""Segmentations drawn at random, against the formula written out and against SentencePiece's own draws."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import pytest
from scipy.stats import chisquare
from toy_corpus import sentences

from sse_nmt.text.subword_sampling import SegmentationSampler
from sse_nmt.text.subwords import load_model, train_model

DRAWS, LEVEL = 20_000, 1e-4


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("subwords") / "model"
    return train_model(sentences(200), 80, path) and load_model(path)


def all_segmentations(word, scores):
    """Every way to cut a word into pieces."""
    for cuts in range(2 ** (len(word) - 1)):
        ends = [0, *(i + 1 for i in range(len(word) - 1) if cuts >> i & 1), len(word)]
        pieces = tuple(word[a:b] for a, b in pairwise(ends))
        if all(piece in scores for piece in pieces):
            yield pieces


@pytest.mark.parametrize("alpha", [0.0, 0.1, 1.0])
def test_each_segmentation_has_its_probability(model, alpha):
    ids = [number for number in range(model.get_piece_size()) if not model.is_unknown(number)]
    scores = {model.id_to_piece(number): model.get_score(number) for number in ids}
    weights = {x: math.exp(alpha * sum(map(scores.get, x))) for x in all_segmentations("▁child", scores)}
    assert len(weights) >= 5
    sampler = SegmentationSampler(model, alpha, seed=3)
    drawn = Counter(tuple(sampler("child")) for _ in range(DRAWS))
    assert drawn.keys() <= weights.keys()
    total = sum(weights.values())
    expected = {x: DRAWS * weight / total for x, weight in weights.items()}
    common = [x for x in expected if expected[x] >= 5]
    rest = DRAWS - sum(expected[x] for x in common)
    observed = [drawn[x] for x in common]
    table = (observed, [expected[x] for x in common])
    if rest > 5:
        table = (observed + [DRAWS - sum(observed)], table[1] + [rest])
    else:
        table = (observed, [value * sum(observed) / sum(table[1]) for value in table[1]])
    assert chisquare(*table).pvalue > LEVEL


def test_sentencepiece_draws_alike(model):
    sampler = SegmentationSampler(model, 0.3, seed=1)
    ours = Counter(len(sampler("the old dog stays")) for _ in range(DRAWS))
    words = {"out_type": str, "enable_sampling": True, "alpha": 0.3, "nbest_size": -1}
    theirs = Counter(len(model.encode("the old dog stays", **words)) for _ in range(DRAWS))
    mean = [sum(length * count for length, count in each.items()) / DRAWS for each in (ours, theirs)]
    spread = math.sqrt(sum((length - mean[1]) ** 2 * count for length, count in theirs.items()) / DRAWS)
    assert abs(mean[0] - mean[1]) < 5 * spread * math.sqrt(2 / DRAWS)


def test_text_comes_back_whatever_it_holds(model):
    sampler = SegmentationSampler(model, 0.1, seed=1)
    for text in ("The old dog.", "§ unknown 字 signs", "a▁b", "x", ""):
        best = "".join(model.encode(text, out_type=str))
        for _ in range(20):
            assert "".join(sampler(text)) == best


def test_a_seed_is_a_stream(model):
    lines = [source for source, _ in sentences(50)]
    one, again, other = (
        [sampler(line) for line in lines] for sampler in (SegmentationSampler(model, 0.1, seed) for seed in (1, 1, 2))
    )
    assert one == again != other and one[0] != SegmentationSampler(model, 0.1, 1)(lines[1])
