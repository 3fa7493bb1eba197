"""Frobenius decay in fairseq's training: which gradients, which weight decay, what is logged."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq.optim import build_optimizer
from fairseq.optim import fairseq_optimizer as fairseq_optimizer_module
from fairseq.optim.adam import Adam
from fairseq.optim.amp_optimizer import AMPOptimizer
from fairseq_training import SHARED, SMALL_TRANSFORMER, configuration, same_parameters, train, train_in_two_processes

from sse_nmt.tasks.translation_sse import TranslationSSETask

DECAY = 0.5
FROBENIUS = ["--frobenius-decay", str(DECAY)]
LOW = ["--low-rank-scale", "0.5", "--low-rank-layers", "ffn,embeddings,output"]
PRECISIONS = {
    "fp32": [],
    "fp16": ["--fp16", "--fp16-no-flatten-grads"],
    "fp16 alone": ["--memory-efficient-fp16", "--fp16-init-scale", "4"],
}
ATTENTIONS = ["encoder.layers.0.self_attn", "decoder.layers.0.self_attn", "decoder.layers.0.encoder_attn"]


@pytest.fixture(scope="module")
def data(toy_data: Path) -> Path:
    return toy_data / "bin"


class FirstStep:
    """What Adam is given at its first update: parameters and gradients by name, and who has which weight decay."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parameters: list[torch.Tensor] = []
        self.gradients: list[torch.Tensor] = []
        self.weight_decays: dict[int, float] = {}
        step = Adam.step

        def recorded(optimizer: Adam, *words: Any) -> Any:
            if not self.parameters:
                stepped = [(p, group["weight_decay"]) for group in optimizer.param_groups for p in group["params"]]
                assert len({id(p) for p, _ in stepped}) == len(stepped)
                self.parameters = [p.detach().double().clone() for p, _ in stepped]
                self.gradients = [p.grad.double().clone() for p, _ in stepped]
                self.weight_decays = {i: decay for i, (_, decay) in enumerate(stepped)}
            return step(optimizer, *words)

        monkeypatch.setattr(Adam, "step", recorded)


def first_step(data: Path, save: Path, *words: str) -> FirstStep:
    with pytest.MonkeyPatch.context() as patch:
        step = FirstStep(patch)
        train(data, save, *words, "--dropout", "0", updates=1)
    return step


def names(data: Path, *words: str) -> list[str]:
    cfg = configuration(data, data, *SMALL_TRANSFORMER, *SHARED, *words)
    return [name for name, _ in TranslationSSETask.setup_task(cfg.task).build_model(cfg.model).named_parameters()]


def penalty(weights: dict[str, torch.Tensor], low_rank: bool) -> torch.Tensor:
    """(λ/2) Σ ‖product‖², every product formed: two heads of every attention, and every low-rank weight."""
    total = torch.zeros((), dtype=torch.float64)
    for attention in ATTENTIONS:
        q, k, v, o = (weights[f"{attention}.{name}_proj.weight"] for name in ("q", "k", "v", "out"))
        for head in (slice(0, 8), slice(8, 16)):
            total = total + (q[head].T @ k[head]).square().sum() + (o[:, head] @ v[head]).square().sum()
    if low_rank:
        layers = [f"{part}.layers.0.{name}" for part in ("encoder", "decoder") for name in ("fc1", "fc2")]
        pairs = [(f"{layer}.left", f"{layer}.right") for layer in layers]
        for left, right in (*pairs, ("encoder.embed_tokens.table.weight", "encoder.embed_tokens.projection")):
            total = total + (weights[left] @ weights[right].T).square().sum()
    return DECAY / 2 * total


@pytest.mark.slow
@pytest.mark.parametrize("frequency", ["1", "3"])
@pytest.mark.parametrize("precision", PRECISIONS.values(), ids=PRECISIONS)
@pytest.mark.parametrize("low", [[], LOW], ids=["attention", "all"])
def test_the_gradients_are_those_of_the_written_penalty(data, tmp_path, precision, frequency, low):
    """Once an update, whatever the micro-batches and the scale of the loss."""
    words = [*precision, *low, "--update-freq", frequency, "--clip-norm", "0"]
    without = first_step(data, tmp_path / "without", *words)
    with_it = first_step(data, tmp_path / "with", *words, *FROBENIUS)
    order = names(data, *low)
    leaves = {name: parameter.requires_grad_() for name, parameter in zip(order, without.parameters, strict=True)}
    penalty(leaves, bool(low)).backward()
    scale = max(leaf.grad.abs().max() for leaf in leaves.values() if leaf.grad is not None)
    for i, name in enumerate(order):
        expected = torch.zeros_like(leaves[name]) if leaves[name].grad is None else leaves[name].grad
        found = with_it.gradients[i] - without.gradients[i]
        tolerance = 1e-5 if not precision else 3e-3  # gradients in half precision have 11 bits
        assert (found - expected).abs().max() <= tolerance * scale, name


def test_the_scale_of_amp_is_not_waited_for(data, monkeypatch):
    cfg = configuration(data, data, *SMALL_TRANSFORMER, *SHARED, *FROBENIUS)
    task = TranslationSSETask.setup_task(cfg.task)
    model = task.build_model(cfg.model)
    leaves = {name: p.detach().clone().requires_grad_() for name, p in model.named_parameters()}
    penalty(leaves, low_rank=False).backward()
    optimizer = AMPOptimizer.build_optimizer(cfg, [p for p in model.parameters() if p.requires_grad])
    optimizer._grad_scaler = torch.amp.GradScaler("cpu", init_scale=8.0)  # fairseq's serves GPUs alone
    task._frobenius.attach(optimizer)
    optimizer.backward(sum(p.sum() for p in model.parameters()))
    monkeypatch.setattr(torch.Tensor, "item", lambda self: pytest.fail("this waits for the device"), raising=False)
    optimizer.clip_grad_norm(0.0)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            expected = 1.0 if leaves[name].grad is None else 1.0 + leaves[name].grad
            assert (parameter.grad - expected).abs().max() < 1e-5, name


def test_it_is_added_before_gradients_are_clipped(data, tmp_path):
    free = first_step(data, tmp_path / "free", *FROBENIUS, "--clip-norm", "0")
    clipped = first_step(data, tmp_path / "clipped", *FROBENIUS, "--clip-norm", "0.1")
    norm = torch.cat([g.flatten() for g in free.gradients]).norm()
    assert norm > 0.2
    for one, other in zip(free.gradients, clipped.gradients, strict=True):
        torch.testing.assert_close(one * (0.1 / norm), other, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("precision", PRECISIONS.values(), ids=PRECISIONS)
def test_no_parameter_has_both_decays_and_a_checkpoint_has_the_usual_groups(data, tmp_path, precision):
    words = [*precision, *LOW, *FROBENIUS, "--weight-decay", "0.25"]
    step = first_step(data, tmp_path, *words)
    order = names(data, *LOW)
    factors = {".left", ".right", ".table.weight", ".projection"}
    of_attention = {f"{a}.{n}_proj.weight" for a in ATTENTIONS for n in ("q", "k", "v", "out")}
    decayed = [n for n in order if n in of_attention or any(n.endswith(f) for f in factors)]
    assert sorted(step.weight_decays.values()) == [0.0] * len(decayed) + [0.25] * (len(order) - len(decayed))
    by_shape = sorted(tuple(step.parameters[i].shape) for i, decay in step.weight_decays.items() if decay == 0.0)
    cfg = configuration(data, data, *SMALL_TRANSFORMER, *SHARED, *LOW)
    model = TranslationSSETask.setup_task(cfg.task).build_model(cfg.model)
    assert by_shape == sorted(tuple(model.get_parameter(name).shape) for name in decayed)
    state = torch.load(tmp_path / "checkpoint_last.pt", weights_only=False)["last_optimizer_state"]
    assert [group["weight_decay"] for group in state["param_groups"]] == [0.25]


def test_a_training_takes_it_up_and_puts_it_down(data, tmp_path):
    """Its checkpoints are those of any other training."""
    words = ["--weight-decay", "0.1"]
    train(data, tmp_path, *words, task="translation", updates=3)
    train(data, tmp_path, *words, *FROBENIUS, updates=6)
    train(data, tmp_path, *words, task="translation", updates=9)


@pytest.mark.slow
def test_the_decay_keeps_products_small(data, tmp_path):
    """As a penalty should, and as one that is added with the wrong sign would not."""

    def size(*words: str) -> float:
        model = train(data, tmp_path / "-".join(words), "--dropout", "0", *words, updates=60)["model"]
        return float(penalty({name: weight.double() for name, weight in model.items()}, low_rank=False)) / DECAY

    without, little, much = size(), size("--frobenius-decay", "0.003"), size("--frobenius-decay", "0.3")
    assert much < 0.05 * without and much < little < 0.9 * without


def test_two_processes_come_to_what_one_does(data, tmp_path):
    """The penalty counts once, however many processes share the batch."""
    words = [*LOW, *FROBENIUS, "--optimizer", "sgd", "--lr", "0.05", "--sse-prob", "0"]
    one = train(data, tmp_path / "one", *words, "--dropout", "0", "--update-freq", "2", updates=4)["model"]
    two = train_in_two_processes(data, tmp_path / "two", *SHARED, *words, updates=4)
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, rtol=1e-3, atol=1e-4, msg=key)


def test_the_log_says_who_has_which_decay_and_how_large_the_penalty_is(data, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        first = first_step(data, tmp_path, *FROBENIUS, "--weight-decay", "0.25", "--log-interval", "1")
    (frobenius,) = [m for m in caplog.messages if m.startswith("Frobenius decay")]
    (weight,) = [m for m in caplog.messages if m.startswith("weight decay")]
    start = "Frobenius decay 0.5 on the products of 6 pairs, no weight decay: "
    of_attention = [f"{a}.{n}_proj.weight" for a in ATTENTIONS for n in ("k", "v", "q", "out")]
    assert frobenius == start + ", ".join(of_attention)
    assert weight == "weight decay 0.25: " + ", ".join(n for n in names(data) if n not in of_attention)
    logged = [json.loads(m) for m in caplog.messages if m.startswith("{") and "frobenius_penalty" in m]
    order = {name: i for i, name in enumerate(n for n in names(data))}
    factors = [i for i, decay in first.weight_decays.items() if decay == 0.0]
    assert len(factors) == 12 and len(order) == len(first.parameters)
    weights = dict(zip(of_attention, (first.parameters[i] for i in factors), strict=True))
    assert float(logged[0]["frobenius_penalty"]) == pytest.approx(float(penalty(weights, False)), rel=1e-3)


def test_an_optimiser_that_steps_all_parameters_as_one_is_refused(data, tmp_path):
    """As fairseq has it with --fp16 on a GPU."""
    cfg = configuration(data, tmp_path, *SMALL_TRANSFORMER, *SHARED, *FROBENIUS)
    task = TranslationSSETask.setup_task(cfg.task)
    model = task.build_model(cfg.model)
    flat = torch.nn.Parameter(torch.cat([p.detach().flatten() for p in model.parameters()]))
    optimizer = build_optimizer(cfg.optimizer, [flat])
    with pytest.raises(ValueError) as error:
        task._frobenius.attach(optimizer)
    assert str(error.value) == (
        "`--frobenius-decay` must have an optimiser that steps `encoder.layers.0.self_attn.k_proj.weight` by itself, "
        "but FairseqAdam does not (with --fp16 it takes --fp16-no-flatten-grads; --ddp-backend fully_sharded cannot "
        "do it)."
    )


def test_without_decay_nothing_is_wrapped(data, tmp_path, monkeypatch):
    seen = []
    clip = fairseq_optimizer_module.FairseqOptimizer.clip_grad_norm
    monkeypatch.setattr(
        fairseq_optimizer_module.FairseqOptimizer,
        "clip_grad_norm",
        lambda optimizer, *words, **named: seen.append(vars(optimizer)) or clip(optimizer, *words, **named),
    )
    one = train(data, tmp_path / "one", "--frobenius-decay", "0", "--sse-prob", "0", updates=3)
    assert seen and not any("clip_grad_norm" in attributes for attributes in seen)
    assert same_parameters(one, train(data, tmp_path / "plain", task="translation", updates=3))
