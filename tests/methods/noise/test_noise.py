"""Each noise against its formula, and what holds of all of them."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import combinations

import pytest
import torch
from scipy.stats import chisquare, kstest
from torch import nn
from torch.nn import functional as F

from sse_nmt.methods.noise import (
    NOISES,
    EmbeddingDropout,
    MaskTransition,
    NEFTune,
    NoisyEmbedding,
    SwitchOut,
    UnigramTransition,
    WordDropout,
    apply_noise,
    remove_noise,
)
from sse_nmt.methods.sse import apply_sse

ROWS, SPECIAL, PAD, UNK = 12, 4, 1, 3
WORDS = range(SPECIAL, ROWS)
COUNTS = torch.tensor([0, 0, 90, 7, 1, 2, 0, 40, 8, 16, 3, 30])
LEVEL = 1e-4


def seeded(number: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def noisy(kind: str, rate: float | None = None, dtype: torch.dtype = torch.float32) -> NoisyEmbedding:
    torch.manual_seed(5)
    given = {"unigram": {"counts": COUNTS}, "mask": {"mask": UNK}}.get(kind, {})
    embedding = nn.Embedding(ROWS, 6, padding_idx=PAD, dtype=dtype)
    return apply_noise(embedding, kind, rate, special_ids=[0, 2, 3], **given).train()


# Ids that turn into others.


def test_unigram_is_the_formula():
    matrix = UnigramTransition(ROWS, 0.3, COUNTS, WORDS).probabilities()
    total = sum(COUNTS[j] for j in WORDS)
    for j in range(ROWS):
        for k in range(ROWS):
            if j in WORDS and k in WORDS:
                expected = 0.7 if j == k else 0.3 * int(COUNTS[k]) / int(total - COUNTS[j])
            else:
                expected = float(j == k)
            assert matrix[j, k] == pytest.approx(float(expected), abs=1e-12)


def test_mask_is_the_formula():
    matrix = MaskTransition(ROWS, 0.3, UNK, WORDS).probabilities()
    for j in range(ROWS):
        expected = torch.zeros(ROWS, dtype=torch.float64)
        expected[j] = 0.7 if j in WORDS else 1.0
        expected[UNK] += 0.3 if j in WORDS else 0.0
        torch.testing.assert_close(matrix[j], expected)


@pytest.mark.parametrize(
    "transition", [UnigramTransition(ROWS, 0.3, COUNTS, WORDS), MaskTransition(ROWS, 0.3, UNK, WORDS)]
)
def test_draws_are_as_likely_as_the_matrix_says(transition):
    for j in range(ROWS):
        drawn = transition.sample(torch.full((100_000,), j), seeded(j))
        counts, expected = torch.bincount(drawn, minlength=ROWS), transition.probabilities()[j] * 100_000
        possible = expected > 0
        assert counts[~possible].sum() == 0
        assert possible.sum() == 1 or chisquare(counts[possible], expected[possible]).pvalue > LEVEL


def test_unigram_refuses_counts_that_cannot_be():
    for counts, words in (
        (torch.ones(5), "`counts` must be (12,)"), (COUNTS - 5, "`counts` must be at least 0, but -5"),
        (COUNTS.clamp(max=0), "`counts` must be above 0 for at least two"), (COUNTS * 2**50, "less than 2^53"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=re.escape(words)):
            UnigramTransition(ROWS, 0.3, counts, WORDS)


# SwitchOut.


@pytest.mark.parametrize("length", [1, 2, 3, 9])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_switchout_draws_how_many_as_its_formula_says(length, temperature):
    sentences = 40_000
    ids = torch.randint(SPECIAL, ROWS, (sentences, length), generator=seeded())
    ids = F.pad(F.pad(ids, (0, 1), value=2), (0, 2), value=PAD)  # the sentence's end, and padding
    drawn = SwitchOut(ROWS, temperature, WORDS).perturb_ids(ids, seeded(7))
    switched = (drawn != ids).sum(1)
    likely = torch.tensor([math.exp(-n / temperature) for n in range(length)]).double()
    counts = torch.bincount(switched, minlength=length)
    assert len(counts) == length  # never all of them
    assert length == 1 or chisquare(counts, likely / likely.sum() * sentences).pvalue > LEVEL
    assert torch.equal(drawn[:, length:], ids[:, length:]) and (drawn[:, :length] >= SPECIAL).all()


def test_switchout_takes_all_sets_of_places_and_all_other_ids_alike_often():
    ids = torch.full((60_000, 4), 6)
    drawn = SwitchOut(ROWS, 3.0, WORDS).perturb_ids(ids, seeded(3))
    sets = Counter(tuple(row.nonzero().flatten().tolist()) for row in drawn != ids)
    for size in (1, 2, 3):
        counts = [sets[places] for places in combinations(range(4), size)]
        assert min(counts) > 1000 and chisquare(counts).pvalue > LEVEL
    others = torch.bincount(drawn[drawn != ids], minlength=ROWS)
    assert others[[0, 1, 2, 3, 6]].sum() == 0
    assert chisquare(others[[4, 5, 7, 8, 9, 10, 11]]).pvalue > LEVEL


def test_switchout_at_1_replaces_058_tokens_of_any_long_sentence():
    transition = SwitchOut(ROWS, 1.0, WORDS)
    for length in (10, 100):
        ids = torch.full((100_000 // length * 10, length), 5)
        switched = (transition.perturb_ids(ids, seeded()) != ids).sum() / len(ids)
        assert switched == pytest.approx(1 / (math.e - 1), abs=0.02)


# Vectors.


def test_word_dropout_drops_whole_vectors_and_scales_none():
    ids = torch.randint(ROWS, (300, 100), generator=seeded())
    vectors = torch.randn(*ids.shape, 6, generator=seeded(2))
    found = WordDropout(ROWS, 0.1, WORDS).perturb_vectors(vectors, ids, seeded(3))
    dropped = found.eq(0).all(-1)
    assert torch.equal(found[~dropped], vectors[~dropped]) and not dropped[ids < SPECIAL].any()
    words = (ids >= SPECIAL).sum().item()
    assert dropped.sum().item() / words == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / words))


def test_embedding_dropout_drops_rows_of_the_table_for_a_batch():
    noise, ids = EmbeddingDropout(ROWS, 0.25, WORDS), torch.randint(ROWS, (40, 30), generator=seeded())
    vectors, generator, fates = torch.ones(40, 30, 6), seeded(4), []
    for _ in range(2000):
        found = noise.perturb_vectors(vectors, ids, generator)
        of_rows = torch.stack([found[ids == row][0, 0] for row in range(ROWS)])
        assert torch.equal(found, of_rows[ids].unsqueeze(-1).expand_as(found))  # a row has one fate
        assert torch.equal(of_rows[:SPECIAL], torch.ones(SPECIAL))
        fates.append(of_rows[SPECIAL:])
    values = torch.stack(fates)
    assert set(values.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    dropped = values.eq(0).double().mean().item()
    assert dropped == pytest.approx(0.25, abs=4 * math.sqrt(0.1875 / values.numel()))
    assert values.eq(0).double().T.corrcoef().fill_diagonal_(0).abs().max() < 0.1  # rows are independent


def test_neftune_is_uniform_within_alpha_by_the_root_of_the_sentence_s_own_length_times_width():
    ids = torch.tensor([[5, 6, 7, 8, 2, PAD, PAD], [9, 2, PAD, PAD, PAD, PAD, PAD]])
    vectors = torch.randn(2, 7, 4000, generator=seeded())
    noise = NEFTune(ROWS, 5.0, WORDS, PAD).perturb_vectors(vectors, ids, seeded(2)) - vectors
    for row, length in ((0, 5), (1, 2)):
        bound = 5.0 / math.sqrt(length * 4000)
        own = noise[row][ids[row] >= SPECIAL].flatten().double()
        assert own.abs().max() <= bound * 1.0001
        assert kstest(own.numpy(), "uniform", (-bound, 2 * bound)).pvalue > LEVEL
        assert noise[row].norm() < 5.0
    assert torch.equal(noise[ids < SPECIAL], torch.zeros_like(noise[ids < SPECIAL]))


# All of them.


@pytest.mark.parametrize("kind", NOISES)
def test_rate_0_is_a_plain_look_up_and_draws_nothing(kind):
    embedding, ids = noisy(kind, 0.0), torch.randint(ROWS, (5, 7))
    state = torch.get_rng_state()
    assert torch.equal(embedding(ids), F.embedding(ids, embedding.weight))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("kind", NOISES)
def test_only_in_training_with_the_same_parameter_and_keys(kind):
    embedding, ids = noisy(kind, 0.9), torch.randint(SPECIAL, ROWS, (20, 9))
    plain = F.embedding(ids, embedding.weight)
    assert not torch.equal(embedding(ids), plain)
    assert torch.equal(embedding.eval()(ids), plain)
    assert list(embedding.state_dict()) == ["weight"] and len(list(embedding.parameters())) == 1
    weight = embedding.weight
    restored = remove_noise(embedding)
    assert type(restored) is nn.Embedding and restored.weight is weight


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_seed_draws_the_same_and_specials_are_safe(kind, dtype):
    embedding, ids = noisy(kind, 0.5, dtype), torch.randint(ROWS, (20, 9))
    before = ids.clone()
    found = []
    for seed in (1, 1, 2):
        embedding._generator = seeded(seed)
        state = torch.get_rng_state()
        found.append(embedding(ids))
        assert torch.equal(torch.get_rng_state(), state)  # dropout's stream
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])
    assert found[0].dtype == dtype and torch.equal(ids, before)
    special = ids < SPECIAL
    assert torch.equal(found[0][special], F.embedding(ids, embedding.weight)[special])


@pytest.mark.parametrize("kind", NOISES)
def test_gradients_are_those_of_what_was_computed(kind):
    embedding, ids = noisy(kind, 0.5), torch.randint(ROWS, (6, 9))
    embedding._generator = seeded(1)
    (embedding(ids).sum() * 2.0).backward()
    padding = embedding.weight.grad[PAD]
    assert embedding.weight.grad.abs().sum() > 0 and torch.equal(padding, torch.zeros_like(padding))


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize("shape", [(7,), (2, 3, 7), (0, 7)])
def test_ids_of_other_shapes(kind, shape):
    ids = torch.full(shape, 5)
    assert noisy(kind)(ids).shape == (*shape, 6)


def test_what_is_refused():
    model = nn.Sequential(nn.Embedding(ROWS, 6))
    for words, sentence in (
        ({"kind": "dropout"}, f"`kind` must be one of {', '.join(NOISES)}, but is 'dropout' instead."),
        ({"kind": "unigram"}, "`counts` must be given for 'unigram', but is not."),
        ({"kind": "mask", "mask": 5}, "`mask` must be a special symbol, but 5 is a candidate."),
        ({"kind": "neftune", "mask": 3}, "`mask` must be given for 'mask' alone, but the kind is 'neftune'."),
        ({"kind": "word_dropout", "rate": 1.5}, "`prob` must be in [0, 1], but is 1.5 instead."),
        ({"kind": "neftune", "rate": math.nan}, "`alpha` must be at least 0 and finite, but is nan instead."),
        ({"kind": "switchout", "rate": -1.0}, "`temperature` must be at least 0 and finite, but is -1.0 instead."),
    ):  # fmt: skip
        with pytest.raises(ValueError) as error:
            apply_noise(model, **words)
        assert str(error.value) == sentence
    assert type(model[0]) is nn.Embedding
    with pytest.raises(TypeError, match="^`embedding` must be plain, but has noise already.$"):
        apply_sse(apply_noise(model, "word_dropout"))


def test_a_resized_table_is_refused():
    embedding = noisy("word_dropout")
    embedding.weight = nn.Parameter(torch.randn(ROWS + 1, 6))
    with pytest.raises(ValueError, match="13 rows, but its perturbation is for 12: put noise in after resizing"):
        embedding(torch.tensor([5]))
