"""What factorised layers and spectral starts do to fairseq's Transformer; real models and trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq.checkpoint_utils import load_model_ensemble_and_task
from fairseq_training import SHARED, SMALL_TRANSFORMER, configuration, same_parameters, train
from torch import nn

from sse_nmt.adapters.losses.criterion import NAME
from sse_nmt.adapters.sse.seeding import SeededSSEEmbedding
from sse_nmt.methods.factorized import FactorizedEmbedding, FactorizedLinear
from sse_nmt.tasks.translation_sse import TranslationSSETask

ALL = ["--low-rank-layers", "ffn,embeddings,output"]
HALF = ["--low-rank-scale", "0.5", *ALL]


@pytest.fixture(scope="module")
def data(toy_data: Path) -> Path:
    return toy_data / "bin"


def build(data: Path, *words: str) -> Any:
    """The same random start for whatever options; in evaluation mode."""
    cfg = configuration(data, data, *SMALL_TRANSFORMER, *words)
    torch.manual_seed(1)
    return TranslationSSETask.setup_task(cfg.task).build_model(cfg.model).eval()


def logits(model: nn.Module) -> torch.Tensor:
    ids = torch.randint(4, 40, (3, 7), generator=torch.Generator().manual_seed(2))
    ids[1, :3] = 1  # padding, on the left as fairseq has it
    return model(ids, torch.tensor([7, 4, 7]), ids)[0]


@pytest.mark.parametrize("sharing", [SHARED, []], ids=["shared", "separate"])
def test_at_full_rank_the_model_computes_what_the_plain_one_does(data, sharing):
    plain, factorised = build(data, *sharing), build(data, *sharing, "--low-rank-scale", "1", *ALL)
    assert any(isinstance(module, FactorizedLinear) for module in factorised.modules())
    torch.testing.assert_close(logits(factorised), logits(plain), rtol=0, atol=1e-5)
    assert (logits(build(data, *sharing, *HALF)) - logits(plain)).abs().max() > 1e-2


def test_balanced_attention_computes_what_it_did(data):
    plain, balanced = build(data), build(data, "--spectral-attention")
    torch.testing.assert_close(logits(balanced), logits(plain), rtol=0, atol=1e-5)
    attention = balanced.decoder.layers[0].encoder_attn
    query, key = (
        torch.cat((layer.weight, layer.bias[:, None]), 1).unflatten(0, (2, -1))
        for layer in (attention.q_proj, attention.k_proj)
    )
    torch.testing.assert_close(query @ query.mT, key @ key.mT, rtol=0, atol=1e-5)
    before = plain.decoder.layers[0].encoder_attn.q_proj.weight
    assert not torch.allclose(before, attention.q_proj.weight, atol=1e-3)


def test_each_kind_of_layer_by_itself(data):
    kinds = {"ffn": (4, 0), "embeddings": (0, 2), "output": (1, 0)}
    for kind, expected in kinds.items():
        model = build(data, "--low-rank-scale", "0.25", "--low-rank-layers", kind)
        modules = list(model.modules())
        found = tuple(sum(isinstance(m, k) for m in modules) for k in (FactorizedLinear, FactorizedEmbedding))
        assert found == expected
    assert model.decoder.output_projection.rank == 4


def test_fresh_factors_begin_as_fairseq_begins_narrow_tables(data):
    model = build(data, *SHARED, *HALF, "--low-rank-init", "fresh")
    table = model.encoder.embed_tokens.table.weight
    assert model.decoder.output_projection.left is table
    assert table[1].eq(0).all()  # padding
    assert table[4:].std().item() == pytest.approx(8**-0.5, rel=0.1)
    spectral = build(data, *SHARED, *HALF).encoder.embed_tokens.table.weight
    torch.testing.assert_close(spectral.T @ spectral, torch.diag(torch.diag(spectral.T @ spectral)), atol=1e-5, rtol=0)
    assert spectral[1].eq(0).all()


def test_sse_draws_for_the_narrow_table_on_each_side_by_itself(data):
    model = build(data, *SHARED, *HALF, "--sse-prob", "0.5").train()
    encoder, decoder = model.encoder.embed_tokens, model.decoder.embed_tokens
    assert isinstance(encoder.table, SeededSSEEmbedding) and encoder.table is not decoder.table
    assert encoder.table.weight is decoder.table.weight is model.decoder.output_projection.left
    ids = torch.randint(4, 40, (200,))
    drawn = [embedding(ids) for embedding in (encoder, decoder)]
    plain = nn.functional.linear(encoder.table.weight[ids], encoder.projection)
    shares = [(vectors != plain).any(-1).float().mean().item() for vectors in drawn]
    assert all(0.3 < share < 0.7 for share in shares) and not torch.equal(*drawn)


@pytest.mark.slow
@pytest.mark.parametrize("words", [HALF, [*HALF, "--low-rank-init", "fresh"]], ids=["spectral", "fresh"])
def test_resumed_is_bit_equal_to_unbroken(data, tmp_path, words):
    words = [*words, "--spectral-attention", "--frobenius-decay", "0.01", "--weight-decay", "0.1", "--sse-prob", "0.1"]
    unbroken = train(data, tmp_path / "unbroken", *words, updates=20)
    train(data, tmp_path / "resumed", *words, updates=13)
    assert same_parameters(unbroken, train(data, tmp_path / "resumed", *words, updates=20))
    other = train(data, tmp_path / "other", *words, "--frobenius-decay", "0", updates=20)
    assert not same_parameters(unbroken, other)


def test_the_loss_in_chunks_is_that_of_the_whole_batch(data, tmp_path):
    """Of a factorised output, whose logits are formed from its narrow features."""
    losses = []
    for name, criterion in (("theirs", []), ("ours", ["--criterion", NAME, "--loss-chunk-tokens", "16"])):
        state = train(data, tmp_path / name, *HALF, *criterion, "--dropout", "0", updates=10)
        losses.append(state["model"])
    for key, value in losses[0].items():
        torch.testing.assert_close(losses[1][key], value, rtol=1e-3, atol=1e-3, msg=key)


def test_a_checkpoint_is_loaded_whole_or_in_factors(data, tmp_path):
    train(data, tmp_path, *HALF, updates=3)
    path = str(tmp_path / "checkpoint_last.pt")
    (factorised,), _, task = load_model_ensemble_and_task([path])
    task.cfg.low_rank_scale, task.cfg.low_rank_layers = None, "ffn"  # as where nobody says anything of them
    (whole,), _, _ = load_model_ensemble_and_task(
        [path], task=TranslationSSETask(task.cfg, task.src_dict, task.tgt_dict)
    )
    assert isinstance(factorised.encoder.embed_tokens, FactorizedEmbedding)
    assert type(whole.encoder.embed_tokens) is nn.Embedding and type(whole.decoder.layers[0].fc1) is nn.Linear
    torch.testing.assert_close(logits(whole.eval()), logits(factorised.eval()), rtol=0, atol=1e-5)
