"""The options of factorised layers and what they refuse, each with its whole sentence."""

from __future__ import annotations

import pytest
from fairseq_training import SHARED, SMALL_TRANSFORMER, configuration

from sse_nmt.adapters.factorized.options import FactorizedConfig, LowRank, frobenius_pairs, low_rank
from sse_nmt.tasks.translation_sse import TranslationSSETask

LOW = ["--low-rank-scale", "0.5", "--low-rank-layers"]


def test_nothing_is_factorised_unless_asked_for():
    cfg = FactorizedConfig()
    assert low_rank(cfg) is None and cfg.frobenius_decay == 0.0


def test_the_layers_and_the_start():
    assert low_rank(FactorizedConfig(low_rank_scale=0.5)) == LowRank(0.5, frozenset({"ffn"}), spectral=True)
    cfg = FactorizedConfig(low_rank_scale=1.0, low_rank_layers="embeddings, output", low_rank_init="fresh")
    assert low_rank(cfg) == LowRank(1.0, frozenset({"embeddings", "output"}), spectral=False)


def test_decay_is_for_all_pairs_there_are_unless_told():
    assert frobenius_pairs(FactorizedConfig(frobenius_decay=1)) == {"attention"}
    assert frobenius_pairs(FactorizedConfig(frobenius_decay=1, low_rank_scale=0.5)) == {"attention", "low_rank"}
    cfg = FactorizedConfig(frobenius_decay=1, low_rank_scale=0.5, frobenius_pairs="low_rank")
    assert frobenius_pairs(cfg) == {"low_rank"}


REFUSED = {
    "--low-rank-scale 0": "`--low-rank-scale` must be in (0, 1], but is 0.0 instead.",
    "--low-rank-scale 1.5": "`--low-rank-scale` must be in (0, 1], but is 1.5 instead.",
    "--low-rank-scale nan": "`--low-rank-scale` must be in (0, 1], but is nan instead.",
    "--low-rank-scale 0.5 --low-rank-layers ffn,heads": "`--low-rank-layers` must be some of ffn,embeddings,output, "
    "but has 'heads' in it.",
    "--low-rank-scale 0.5 --low-rank-init svd": "`--low-rank-init` must be spectral or fresh, but is 'svd' instead.",
    "--low-rank-layers output": "`--low-rank-layers` needs `--low-rank-scale`, but that is not given.",
    "--low-rank-init fresh": "`--low-rank-init` needs `--low-rank-scale`, but that is not given.",
    "--frobenius-decay=-1": "`--frobenius-decay` must be at least 0 and finite, but is -1.0 instead.",
    "--frobenius-decay inf": "`--frobenius-decay` must be at least 0 and finite, but is inf instead.",
    "--frobenius-pairs attention": "`--frobenius-pairs` needs `--frobenius-decay`, but that is not given.",
    "--frobenius-decay 1 --frobenius-pairs low_rank": "`--frobenius-pairs low_rank` needs `--low-rank-scale`, but "
    "that is not given.",
    "--frobenius-decay 1 --frobenius-pairs all": "`--frobenius-pairs` must be some of attention,low_rank, but has "
    "'all' in it.",
}


@pytest.mark.parametrize(("words", "sentence"), REFUSED.items())
def test_options_that_cannot_be(toy_data, tmp_path, words, sentence):
    cfg = configuration(toy_data / "bin", tmp_path, *SMALL_TRANSFORMER, *words.split())
    with pytest.raises(ValueError) as error:
        TranslationSSETask.setup_task(cfg.task)
    assert str(error.value) == sentence


LSTM = ["--arch", "lstm"]
ADAPTIVE = [*SMALL_TRANSFORMER, "--adaptive-softmax-cutoff", "20"]
MODELS = [
    (
        [*SMALL_TRANSFORMER, *SHARED, *LOW, "embeddings"],
        "`--low-rank-layers` must take tied layers together, but `decoder.output_projection` stays whole and is tied "
        "to `decoder.embed_tokens`.",
    ),
    (
        [*SMALL_TRANSFORMER, "--share-decoder-input-output-embed", *LOW, "output"],
        "`--low-rank-layers` must take tied layers together, but `decoder.embed_tokens` stays whole and is tied to "
        "`decoder.output_projection`.",
    ),
    (
        [*ADAPTIVE, *LOW, "output"],
        "`--low-rank-layers output` must have plain layers to factorise, but TransformerModel lacks "
        "`decoder.output_projection`.",
    ),
    ([*LSTM, *LOW, "ffn"], "`--low-rank-layers ffn` must have plain layers to factorise, but LSTMModel lacks them."),
    (
        [*LSTM, "--frobenius-decay", "1"],
        "`--spectral-attention` and `--frobenius-decay` must have pairs of attention matrices, but LSTMModel has none "
        "that is known.",
    ),
    (
        [*SMALL_TRANSFORMER, "--quant-noise-pq", "0.1", "--spectral-attention"],
        "`encoder.layers.0.self_attn` must have plain projections for a pair of factors, but has others.",
    ),
]


@pytest.mark.parametrize(("words", "sentence"), MODELS)
def test_models_that_cannot_have_it(toy_data, tmp_path, words, sentence):
    cfg = configuration(toy_data / "bin", tmp_path, *words)
    task = TranslationSSETask.setup_task(cfg.task)
    with pytest.raises(ValueError) as error:
        task.build_model(cfg.model)
    assert str(error.value) == sentence
