"""Rows as the ids tell them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sse_nmt.methods.frequency import FrequencyAwareSGD, RowRecorder

CF = {"rule": "cf", "alpha": 1.0, "eta_max": 1.0}


def recorded(*embeddings: nn.Embedding) -> FrequencyAwareSGD:
    tables = list(dict.fromkeys(embedding.weight for embedding in embeddings))
    return FrequencyAwareSGD([{"params": tables, **CF}], RowRecorder(*embeddings))


def test_counts_what_a_gradient_of_zero_hides():
    embedding = nn.Embedding(5, 2, padding_idx=0)
    optimizer = recorded(embedding)
    (embedding(torch.tensor([0, 1, 2])) * torch.tensor([1.0, 1.0, 0.0])[:, None]).sum().backward()
    optimizer.step()
    assert optimizer.state[embedding.weight]["row_counts"].tolist() == [0, 1, 1, 0, 0]


def test_marks_of_micro_batches_add_up_and_end_with_the_update():
    embedding = nn.Embedding(5, 2)
    optimizer = recorded(embedding)
    for ids in (torch.tensor([1, 2]), torch.tensor([[2], [3]], dtype=torch.int32)):
        embedding(input=ids).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    embedding(torch.tensor([3])).sum().backward()
    optimizer.step()
    assert optimizer.state[embedding.weight]["row_counts"].tolist() == [0, 1, 1, 2, 0]


def test_marks_end_with_the_update_even_if_the_model_clears_the_gradients():
    embedding = nn.Embedding(5, 2)
    optimizer = recorded(embedding)
    for ids in (torch.tensor([1]), torch.tensor([2])):
        embedding.zero_grad()
        embedding(ids).sum().backward()
        optimizer.step()
    assert optimizer.state[embedding.weight]["row_counts"].tolist() == [0, 1, 1, 0, 0]


def test_a_skipped_update_does_not_count():
    embedding = nn.Embedding(5, 2)
    optimizer = recorded(embedding)
    embedding(torch.tensor([1])).sum().backward()
    optimizer.zero_grad()  # as a gradient scaler does that found an overflow
    embedding(torch.tensor([2])).sum().backward()
    optimizer.step()
    assert optimizer.state[embedding.weight]["row_counts"].tolist() == [0, 0, 1, 0, 0]


def test_evaluation_is_not_recorded():
    embedding = nn.Embedding(5, 2)
    recorder = RowRecorder(embedding)
    with torch.no_grad():
        embedding(torch.tensor([1]))
    embedding.eval()(torch.tensor([2]))
    assert not recorder.rows(embedding.weight).any()


def test_two_embeddings_around_one_table():
    one = nn.Embedding(5, 2)
    two = nn.Embedding(5, 2)
    two.weight = one.weight
    optimizer = recorded(one, two)
    (one(torch.tensor([1])) + two(torch.tensor([2]))).sum().backward()
    optimizer.step()
    assert optimizer.state[one.weight]["row_counts"].tolist() == [0, 1, 1, 0, 0]


def test_a_tied_table_counts_row_look_ups_only():
    """Without a recorder every counter is the number of updates; the rows of the output layer move either way."""
    for with_ids, row_counts in ((True, [0, 3, 0]), (False, [3, 3, 3])):
        torch.manual_seed(1)
        embedding, output = nn.Embedding(3, 2), nn.Linear(2, 3, bias=False)
        output.weight = embedding.weight
        optimizer = FrequencyAwareSGD(
            [{"params": [embedding.weight], **CF}], RowRecorder(embedding) if with_ids else None
        )
        before = embedding.weight.detach().clone()
        for _ in range(3):
            optimizer.zero_grad()
            output(embedding(torch.tensor([1]))).logsumexp(1).sum().backward()
            optimizer.step()
        assert optimizer.state[embedding.weight]["row_counts"].tolist() == row_counts
        assert (embedding.weight != before).all()


def test_the_counters_are_those_of_gradients_where_none_is_zero():
    torch.manual_seed(1)
    counters = []
    batches = torch.randint(20, (30, 4))
    for with_ids in (False, True):
        embedding = nn.Embedding(20, 2)
        optimizer = recorded(embedding) if with_ids else FrequencyAwareSGD([{"params": [embedding.weight], **CF}])
        for ids in batches:
            optimizer.zero_grad()
            embedding(ids).sum().backward()
            optimizer.step()
        counters.append(optimizer.state[embedding.weight]["row_counts"])
    assert torch.equal(*counters)
    assert counters[0].sum() == sum(len(set(ids.tolist())) for ids in batches)


def test_removed_it_records_no_more():
    embedding = nn.Embedding(5, 2)
    recorder = RowRecorder(embedding)
    recorder.remove()
    embedding(torch.tensor([1]))
    assert not recorder.rows(embedding.weight).any()


def test_refusals():
    class Scaled(nn.Embedding):
        def forward(self, input):
            return 2 * super().forward(input)

    for embedding, sentence in [
        (nn.Linear(2, 2), "`embeddings` must be of nn.Embedding, but one is a Linear instead."),
        (Scaled(3, 2), "`embeddings` must be looked up as nn.Embedding does, but Scaled has a look-up of its own."),
    ]:
        with pytest.raises(TypeError) as error:
            RowRecorder(embedding)
        assert str(error.value) == sentence
    with pytest.raises(ValueError) as unwatched:
        FrequencyAwareSGD([{"params": [nn.Parameter(torch.ones(3, 2))], **CF}], RowRecorder(nn.Embedding(3, 2)))
    assert str(unwatched.value) == "`recorder` must watch every table of rule 'cf', but misses one of shape (3, 2)."
