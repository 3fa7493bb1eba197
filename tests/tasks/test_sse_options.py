"""Options and what they refuse, each with its whole sentence."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fairseq.data import Dictionary
from fairseq_training import configuration
from torch import nn

from sse_nmt.tasks.sse_installation import Side, candidate_ids, install
from sse_nmt.tasks.sse_options import SSEConfig, label_probability, source_probability, target_probability
from sse_nmt.tasks.translation_sse import TranslationSSETask


def dictionary(words: int = 6) -> Dictionary:
    made = Dictionary()
    for word in range(words):
        made.add_symbol(f"w{word}")
    return made


def test_the_paper_s_probability_is_the_default_on_both_sides_and_labels_stay():
    cfg = SSEConfig()
    assert (source_probability(cfg), target_probability(cfg), label_probability(cfg)) == (0.01, 0.01, 0.0)


def test_a_side_s_own_probability_counts_even_if_it_is_0():
    cfg = SSEConfig(sse_prob=0.3, sse_prob_source=0.0)
    assert (source_probability(cfg), target_probability(cfg)) == (0.0, 0.3)


@pytest.mark.parametrize("flag", ["--sse-prob", "--sse-prob-source", "--sse-prob-target", "--sse-prob-label"])
@pytest.mark.parametrize("value", ["1.5", "-0.1", "nan"])
def test_probabilities_outside_0_1_are_refused(toy_data, tmp_path, flag, value):
    cfg = configuration(toy_data / "bin", tmp_path, "--arch", "transformer", f"{flag}={value}")
    with pytest.raises(ValueError) as error:
        TranslationSSETask.setup_task(cfg.task)
    assert str(error.value) == f"`{flag}` must be in [0, 1], but is {value} instead."


def test_fillers_and_specials_are_no_candidates_but_words_that_look_like_fillers_are():
    words = dictionary(3)
    words.add_symbol("madeupword0000", n=5)
    words.pad_to_multiple_(16)
    assert len(words) == 16
    assert candidate_ids(words) == [4, 5, 6, 7]


def test_a_dictionary_of_one_word_is_refused():
    model = SimpleNamespace(encoder=nn.Module())
    model.encoder.embed_tokens = nn.Embedding(5, 4)
    with pytest.raises(ValueError) as error:
        install(model, [Side("encoder", 0.1, dictionary(1))], seed=1)
    assert str(error.value) == "The encoder dictionary must have at least two words for SSE, but has 1 instead."


class Wordless(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Module(), nn.Module()
        self.encoder.embed_tokens = nn.Linear(2, 2)


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ("encoder", "`encoder.embed_tokens` of Wordless must be an nn.Embedding, but is a Linear instead."),
        ("decoder", "`decoder.embed_tokens` of Wordless must be an nn.Embedding, but is missing instead."),
        ("joiner", "`joiner.embed_tokens` of Wordless must be an nn.Embedding, but is missing instead."),
    ],
)
def test_a_model_without_embed_tokens_is_named(part, sentence):
    with pytest.raises(ValueError) as error:
        install(Wordless(), [Side(part, 0.1, dictionary())], seed=1)
    assert str(error.value) == sentence
    install(Wordless(), [Side(part, 0.0, dictionary())], seed=1)  # at 0 nothing is asked of the model
