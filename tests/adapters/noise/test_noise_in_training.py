"""SSE's rivals in fairseq's trainings, and the schedule of all of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from fairseq_training import SHARED, SMALL_TRANSFORMER, configuration, same_parameters, train

from sse_nmt.adapters.sse.schedule import Schedule
from sse_nmt.adapters.sse.seeding import SeededEmbedding, SeededNoisyEmbedding
from sse_nmt.methods.noise import NOISES, UnigramTransition
from sse_nmt.system.errors import OptionError
from sse_nmt.tasks.translation_sse import TranslationSSETask


@pytest.fixture(scope="module")
def data(toy_data: Path) -> Path:
    return toy_data / "bin"


@pytest.fixture(scope="module")
def plain(data: Path, tmp_path_factory: pytest.TempPathFactory):
    return train(data, tmp_path_factory.mktemp("plain"), task="translation", updates=12)


@pytest.mark.slow
@pytest.mark.parametrize("kind", NOISES)
def test_at_rate_0_it_is_the_plain_task_and_above_it_is_not(data, plain, tmp_path, kind):
    words = ["--embedding-noise", kind]
    assert same_parameters(plain, train(data, tmp_path / "off", *words, "--noise-rate", "0", updates=12))
    noisy = train(data, tmp_path / "on", *words, updates=12)
    assert list(noisy["model"]) == list(plain["model"]) and not same_parameters(plain, noisy)


@pytest.mark.slow
@pytest.mark.parametrize("kind", NOISES)
def test_resumed_is_bit_equal_to_unbroken(data, tmp_path, kind):
    words = ["--embedding-noise", kind, "--update-freq", "2", "--sse-warmup-updates", "9"]
    unbroken = train(data, tmp_path / "unbroken", *words, updates=12)
    train(data, tmp_path / "resumed", *words, updates=7)
    assert same_parameters(unbroken, train(data, tmp_path / "resumed", *words, updates=12))


def test_unigram_counts_the_training_text_of_each_side(data, tmp_path):
    config = configuration(
        data, tmp_path, *SMALL_TRANSFORMER, *SHARED, "--embedding-noise", "unigram", "--noise-rate", "0.3"
    )
    model = TranslationSSETask.setup_task(config.task).build_model(config.model)
    for part, language in ((model.encoder, "en"), (model.decoder, "de")):
        assert isinstance(part.embed_tokens, SeededNoisyEmbedding)
        transition = part.embed_tokens.perturbation
        assert isinstance(transition, UnigramTransition) and transition.prob == 0.3
        entries = [line.split()[0] for line in (data / f"dict.{language}.txt").read_text(encoding="utf-8").splitlines()]
        pieces = (data.parent / "pieces" / f"train.{language}").read_text(encoding="utf-8").split()
        expected = [pieces.count(entries[row - 4]) for row in transition.candidates.tolist()]
        assert transition.counts.tolist() == expected and sum(expected) > 500


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--embedding-noise", "dropout"], "`--embedding-noise` must be one of sse, unigram, mask, word_dropout, "
         "embedding_dropout, switchout, neftune, but is 'dropout' instead."),
        (["--noise-rate", "0.1"],
         "`--noise-rate` needs another `--embedding-noise` than sse, whose rate is `--sse-prob`."),
        (["--embedding-noise", "mask", "--sse-rho", "5"], "`--sse-rho` is for SSE, but `--embedding-noise` is mask."),
        (["--embedding-noise", "neftune", "--noise-rate", "-1"],
         "`--noise-rate` must be at least 0 and finite, but is -1.0 instead."),
        (["--sse-warmup-updates", "5", "--sse-decay-updates", "5"],
         "`--sse-decay-updates` must be above `--sse-warmup-updates`, 5, but is 5."),
    ],
)  # fmt: skip
def test_what_is_refused(data, tmp_path, words, sentence):
    cfg = configuration(data, tmp_path, *SMALL_TRANSFORMER, *words)
    with pytest.raises(OptionError) as error:
        TranslationSSETask.setup_task(cfg.task)
    assert str(error.value) == sentence


def test_a_rate_above_what_a_kind_takes_is_one_sentence(data, tmp_path):
    config = configuration(
        data, tmp_path, *SMALL_TRANSFORMER, *SHARED, "--embedding-noise", "mask", "--noise-rate", "2"
    )
    with pytest.raises(OptionError, match=r"^`prob` must be in \[0, 1\], but is 2.0 instead.$"):
        TranslationSSETask.setup_task(config.task).build_model(config.model)


# Schedules.


def test_the_schedule_is_a_function_of_the_update():
    assert [Schedule().factor(update) for update in (0, 1, 10**6)] == [1, 1, 1]
    assert [Schedule(4).factor(update) for update in range(6)] == [0, 0.25, 0.5, 0.75, 1, 1]
    assert [Schedule(0, 4).factor(update) for update in range(6)] == [1, 0.75, 0.5, 0.25, 0, 0]
    assert [Schedule(2, 4).factor(update) for update in range(6)] == [0, 0.5, 1, 0.5, 0, 0]


def test_a_training_goes_through_the_schedule(data, tmp_path, monkeypatch):
    seen = []
    draw = SeededEmbedding.draw

    def recorded(embedding, input):
        seen.append((embedding.side, embedding.perturbation.strength))
        return draw(embedding, input)

    monkeypatch.setattr(SeededEmbedding, "draw", recorded)
    words = ["--sse-prob", "0.2", "--sse-warmup-updates", "3", "--sse-decay-updates", "6"]
    train(data, tmp_path, *words, updates=8)
    for side in ("encoder", "decoder"):
        found = torch.tensor([strength for name, strength in seen if name == side])
        expected = 0.2 * torch.tensor([0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 0, 0])
        torch.testing.assert_close(found, expected)
