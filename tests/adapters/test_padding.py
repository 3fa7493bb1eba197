"""How often a training step asks whether its batch has padding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq import criterions, tasks
from fairseq_training import SHARED, SMALL_TRANSFORMER, configuration
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from sse_nmt.adapters.padding import padding_asked_once

LAYERS = 4


class Waits(TorchDispatchMode):
    """Counts what a host would wait for on a GPU: numbers that leave tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


def step(data: Path, name: str, sentences: slice) -> tuple[int, Any, dict[str, Tensor]]:
    """Waits, loss and gradients of a micro-batch."""
    words = [*SMALL_TRANSFORMER, *SHARED, "--encoder-layers", str(LAYERS), "--dropout", "0"]
    words += ["--sse-prob", "0"] if name == "translation_sse" else []
    config = configuration(data, Path("unused"), *words, task=name)
    task = tasks.setup_task(config.task)
    task.load_dataset("train")
    torch.manual_seed(1)
    model = task.build_model(config.model)
    pairs = task.dataset("train")
    order = pairs.src_sizes.argsort(kind="stable")[sentences]
    sample = pairs.collater([pairs[int(i)] for i in order])
    criterion = criterions.build_criterion(config.criterion, task)
    optimizer = type("", (), {"backward": staticmethod(torch.Tensor.backward)})
    with Waits() as waits:
        loss, *_ = task.train_step(sample, model, criterion, optimizer, 1)
    return waits.count, loss, {key: p.grad for key, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("sentences", [slice(None, None, 20), slice(1)], ids=["padding", "none"])
def test_once_for_all_layers_and_bit_for_bit_the_same(toy_data, sentences):
    theirs, plain_loss, plain = step(toy_data / "bin", "translation", sentences)
    ours, loss, gradients = step(toy_data / "bin", "translation_sse", sentences)
    assert ours == theirs - (LAYERS - 1)
    assert torch.equal(loss, plain_loss) and gradients.keys() == plain.keys()
    assert all(torch.equal(gradients[key], plain[key]) for key in plain)


def test_all_else_is_a_tensor_like_any_other():
    ids = torch.tensor([[5, 1], [6, 7]])
    marked = padding_asked_once({"net_input": {"src_tokens": ids}, "id": 3})
    source = marked["net_input"]["src_tokens"]
    assert marked["id"] == 3 and torch.equal(source, ids)
    for made in (source.ne(1), source + 1, source.eq(1).any(0), source.eq(1) & True, source.clone(), source[0]):
        assert type(made) is Tensor
    assert bool(source.eq(1).any()) and not source.eq(9).any()
    assert torch.equal(source.eq(1).any().type_as(torch.zeros(1)), torch.tensor(1.0))
