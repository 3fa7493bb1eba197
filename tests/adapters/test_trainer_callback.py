"""SSE in Hugging Face's Trainer, on random models of five families."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

os.environ.setdefault("HF_HUB_OFFLINE", "1")
transformers = pytest.importorskip("transformers")

from sse_nmt.adapters.trainer_callback import SSECallback  # noqa: E402
from sse_nmt.methods.sse import KnowledgeGraph  # noqa: E402

ROWS, LENGTH = 50, 12
SEQUENCES = {"vocab_size": ROWS, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
BART = {
    "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "max_position_embeddings": 32, "dropout": 0.0,
    "activation_dropout": 0.0, "scale_embedding": True, "decoder_start_token_id": 2, "forced_eos_token_id": None,
}  # fmt: skip
BERT = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
    "max_position_embeddings": 32, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
}  # fmt: skip
T5 = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2, "dropout_rate": 0.0}
GPT2 = {
    "n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 32, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0
}  # fmt: skip
FAMILIES: dict[str, Callable[[], Any]] = {
    "marian": lambda: transformers.MarianMTModel(transformers.MarianConfig(**SEQUENCES, **BART)),
    "mbart": lambda: transformers.MBartForConditionalGeneration(transformers.MBartConfig(**SEQUENCES, **BART)),
    "t5": lambda: transformers.T5ForConditionalGeneration(
        transformers.T5Config(vocab_size=ROWS, pad_token_id=1, eos_token_id=2, decoder_start_token_id=1, **T5)
    ),
    "bert": lambda: transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=ROWS, pad_token_id=1, **BERT)),
    "gpt2": lambda: transformers.GPT2LMHeadModel(transformers.GPT2Config(**SEQUENCES, **GPT2)),
}
families = pytest.mark.parametrize("family", FAMILIES)


def model_of(family: str) -> Any:
    torch.manual_seed(1)
    return FAMILIES[family]()


def trained(folder: Path, model: Any, *callbacks: Any, steps: int = 3, resume: bool = False, **settings: Any) -> Any:
    """A model after some steps of `Trainer`."""
    numbers = torch.Generator().manual_seed(1)
    examples = [{"input_ids": row, "labels": row} for row in torch.randint(3, ROWS, (24, LENGTH), generator=numbers)]
    arguments = transformers.TrainingArguments(
        output_dir=str(folder), max_steps=steps, per_device_train_batch_size=4, learning_rate=0.01, use_cpu=True,
        report_to=[], disable_tqdm=True, seed=3, save_steps=1, **settings,
    )  # fmt: skip
    trainer = transformers.Trainer(model, arguments, train_dataset=examples, callbacks=list(callbacks))
    trainer.train(resume_from_checkpoint=resume or None)
    return trainer.model


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def tokens(model: Any) -> list[nn.Module]:
    return [child for child in model.modules() if isinstance(child, nn.Embedding) and child.num_embeddings == ROWS]


@families
def test_training_is_perturbed_and_what_is_saved_is_not(family, tmp_path):
    plain = model_of(family)
    kinds, keys = [type(child) for child in tokens(plain)], weights(plain).keys()
    without = weights(trained(tmp_path / "plain", plain))
    at_0 = weights(trained(tmp_path / "at_0", model_of(family), SSECallback(0.0)))
    model = trained(tmp_path / "sse", model_of(family), SSECallback(0.5))
    assert same(without, at_0) and not same(without, weights(model)) and weights(model).keys() == keys
    assert [type(child) for child in tokens(model)] == kinds
    assert not any(child._forward_pre_hooks for child in model.modules())
    saved = [
        sorted(transformers.modeling_utils.load_state_dict(tmp_path / name / "checkpoint-2/model.safetensors"))
        for name in ("plain", "sse")
    ]
    assert saved[0] == saved[1]
    loaded = type(model).from_pretrained(tmp_path / "sse/checkpoint-3")
    assert same(weights(loaded), weights(model))


@families
def test_evaluation_and_generation_within_a_training_are_not_perturbed(family, tmp_path):
    class Looks(transformers.TrainerCallback):  # after ours
        def on_step_end(self, args: Any, state: Any, control: Any, model: Any, **kwargs: Any) -> None:
            copied = FAMILIES[family]()
            copied.load_state_dict(model.state_dict())
            ids = torch.arange(3, 3 + LENGTH)[None]
            model.eval()
            if family == "bert":
                seen.append(torch.equal(model(input_ids=ids).logits, copied.eval()(input_ids=ids).logits))
            else:
                translations = [
                    each.eval().generate(ids, max_new_tokens=5, do_sample=False) for each in (model, copied)
                ]
                seen.append(torch.equal(*translations))
            model.train()
            seen.append(any(child._forward_pre_hooks for child in tokens(model)))

    seen: list[bool] = []
    trained(tmp_path, model_of(family), SSECallback(1.0), Looks())
    assert seen == [True] * 6


@families
def test_what_is_computed_again_draws_the_same(family, tmp_path):
    once = trained(tmp_path / "once", model_of(family), SSECallback(0.5))
    again = trained(tmp_path / "again", model_of(family), SSECallback(0.5), gradient_checkpointing=True)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(once.parameters(), again.parameters(), strict=True))


def test_a_resumed_training_is_the_unbroken_one(tmp_path):
    unbroken = weights(
        trained(tmp_path / "one", model_of("marian"), SSECallback(0.5), steps=4, lr_scheduler_type="constant")
    )
    trained(tmp_path / "two", model_of("marian"), SSECallback(0.5), steps=2, lr_scheduler_type="constant")
    torch.manual_seed(99)
    settings = {"steps": 4, "resume": True, "lr_scheduler_type": "constant"}
    assert same(unbroken, weights(trained(tmp_path / "two", model_of("marian"), SSECallback(0.5), **settings)))


def test_seeds_and_gradient_accumulation(tmp_path):
    """Another seed draws otherwise; the micro-batches of a step do not draw alike."""
    one, other = (
        weights(trained(tmp_path / str(seed), model_of("gpt2"), SSECallback(0.5, seed=seed))) for seed in (1, 2)
    )
    assert not same(one, other)
    drawn: list[torch.Tensor] = []
    model = model_of("gpt2")
    model.transformer.wte.register_forward_hook(lambda _, ids, vectors: drawn.append(vectors.detach()))
    fixed = torch.arange(3, 3 + LENGTH)
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path), max_steps=1, per_device_train_batch_size=1, gradient_accumulation_steps=2,
        use_cpu=True, report_to=[], disable_tqdm=True, save_strategy="no",
    )  # fmt: skip
    examples = [{"input_ids": fixed, "labels": fixed}] * 2
    transformers.Trainer(model, arguments, train_dataset=examples, callbacks=[SSECallback(1.0)]).train()
    assert len(drawn) == 2 and not torch.equal(*drawn)


def test_special_ids_take_no_part_and_a_table_that_was_resized_is_whole(tmp_path):
    """Resized after the callback was made, before training begins."""
    callback, model = SSECallback(1.0), model_of("marian")
    model.resize_token_embeddings(ROWS + 10, mean_resizing=False)
    drawn: list[tuple[torch.Tensor, torch.Tensor]] = []

    class Looks(transformers.TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, model: Any, **kwargs: Any) -> None:
            embedding, ids = model.model.encoder.embed_tokens, torch.arange(ROWS + 10).repeat(200)
            vectors = embedding(ids) / getattr(embedding, "embed_scale", 1.0)
            exact = "donot_use_mm_for_euclid_dist"
            rows = torch.cdist(vectors, embedding.weight, compute_mode=exact).argmin(-1)
            drawn.append((ids, rows))

    trained(tmp_path, model, callback, Looks(), steps=1)
    ((ids, rows),) = drawn
    special = torch.isin(ids, torch.tensor([0, 1, 2]))
    assert torch.equal(rows[special], ids[special]) and (rows[~special] != ids[~special]).all()
    assert set(rows[~special].tolist()) == set(range(3, ROWS + 10))


def test_along_a_graph_by_name_and_refusals(tmp_path):
    with pytest.raises(ValueError, match=r"`prob` must be in \[0, 1\], but is 2 instead."):
        SSECallback(2)
    with pytest.raises(
        ValueError, match="`names` must name embeddings of MarianMTModel, but 'nothing' is none of them."
    ):
        trained(tmp_path, model_of("marian"), SSECallback(names=["nothing"]))
    pairs = KnowledgeGraph.from_edges(ROWS, torch.arange(4, ROWS - 1), torch.arange(5, ROWS), symmetric=True)
    with pytest.raises(ValueError, match="`rho` and `neighbour_mass` must come with a `graph`"):
        trained(tmp_path, model_of("marian"), SSECallback(rho=2.0))
    model = trained(tmp_path, model_of("marian"), SSECallback(0.5, graph=pairs, neighbour_mass=0.9), steps=1)
    assert not any(child._forward_pre_hooks for child in model.modules())
