"""Trainings that draw by counting, as they do on GPUs; here on the CPU, where the torch form serves."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from counted import CANDIDATES, ROWS, transitions
from fairseq_training import train
from torch import nn

from sse_nmt.adapters.sse import seeding
from sse_nmt.adapters.sse.installation import SeededLabels
from sse_nmt.adapters.sse.seeding import SeededNoisyEmbedding, SeededSSEEmbedding
from sse_nmt.methods.noise import make_noise
from sse_nmt.methods.sse import UniformTransition
from sse_nmt.methods.update_stream import UpdateStream

KINDS = ("uniform", "graph", "weighted graph")


@pytest.fixture(autouse=True)
def on_the_cpu_too(monkeypatch):
    monkeypatch.setattr(seeding, "triton_runs", lambda device: True)


def embedding(kind: str = "uniform", prob: float = 0.3, side: str = "encoder") -> SeededSSEEmbedding:
    """Of rows that are told apart."""
    table = nn.Embedding.from_pretrained(torch.eye(ROWS), freeze=False)
    return SeededSSEEmbedding(table, transitions("range", prob)[kind], UpdateStream(1, side))


def looked_up(module: nn.Module, ids: torch.Tensor) -> torch.Tensor:
    return module(ids).argmax(-1)


@pytest.mark.parametrize("kind", KINDS)
def test_an_update_draws_the_same_again_and_each_micro_batch_anew(kind):
    ids = torch.randint(ROWS, (20, 30), generator=torch.Generator().manual_seed(1))
    one, other = embedding(kind), embedding(kind)
    one.set_num_updates(1)
    looked_up(one, ids)
    for module in (one, other):
        module.set_num_updates(2)
    first, second = looked_up(one, ids), looked_up(one, ids)
    one.set_num_updates(2)  # before every micro-batch
    third = looked_up(one, ids)
    assert not torch.equal(first, second) and not torch.equal(second, third) and not torch.equal(first, third)
    assert torch.equal(looked_up(other, ids), first) and one._stream._counter is not None
    assert not torch.equal(looked_up(embedding(kind, side="decoder"), ids), looked_up(embedding(kind), ids))


def test_what_was_replaced_is_counted_and_what_is_to_be_kept_is_kept():
    ids = torch.randint(ROWS, (200, 30), generator=torch.Generator().manual_seed(1))
    module, without = embedding(prob=1.0), embedding(prob=1.0)
    places = ids % 2 == 0
    module.keep(places)
    drawn = looked_up(module, ids)
    assert torch.equal(drawn[places], ids[places])
    assert torch.equal(drawn[~places], looked_up(without, ids)[~places])
    words = ids >= CANDIDATES["range"].start
    assert int(module.take_replaced()) == int((words & ~places).sum()) and int(module.take_replaced()) == 0
    assert int(without.take_replaced()) == int(words.sum())


@pytest.mark.parametrize("kind", KINDS)
def test_the_look_up_of_a_task_compiles_whole(kind):
    """No graph break, and one graph for all updates."""
    ids = torch.arange(ROWS).repeat(8)
    eager, whole, graphs = embedding(kind), embedding(kind), []

    def compiler(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> object:
        graphs.append(graph)
        return graph.forward

    for module in (eager, whole):
        module.draw(ids)  # the stream is on its device
    compiled = torch.compile(whole, fullgraph=True, backend=compiler)
    for update in range(1, 5):
        for module in (eager, whole):
            module.set_num_updates(update)
        assert torch.equal(compiled(ids), eager(ids))
    assert len(graphs) == 1


def test_labels_are_drawn_by_counting_too():
    labels, target = SeededLabels(UniformTransition(ROWS, 0.5), 1), torch.zeros(1000, dtype=torch.long)
    first, second, again = labels(target, 3), labels(target, 4), labels(target, 3)
    assert labels._stream._counter is not None
    assert torch.equal(first, again) and not torch.equal(first, second) and 400 < int((first != 0).sum()) < 600


def test_other_noises_keep_their_generators():
    noise = make_noise("word_dropout", 0.5, ROWS, range(4, ROWS), padding_idx=1)
    module = SeededNoisyEmbedding(nn.Embedding(ROWS, 4), noise, UpdateStream(1, "encoder"))
    module(torch.arange(ROWS))
    assert module._stream._counter is None


def test_stopped_and_resumed_a_training_draws_what_the_unbroken_one_does(toy_data: Path, tmp_path: Path, caplog):
    """And what is replaced is in the log."""
    words = ["--sse-prob", "0.3", "--sse-prob-label", "0.1", "--update-freq", "2"]
    with caplog.at_level(logging.INFO):
        unbroken = train(toy_data / "bin", tmp_path / "unbroken", *words, "--log-interval", "1", updates=6)
    assert caplog.text.count("sse_replaced_source") >= 6
    train(toy_data / "bin", tmp_path / "stopped", *words, updates=3)
    resumed = train(toy_data / "bin", tmp_path / "stopped", *words, updates=6)
    assert all(torch.equal(unbroken["model"][key], resumed["model"][key]) for key in unbroken["model"])
