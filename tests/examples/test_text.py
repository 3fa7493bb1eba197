"""Scores of text: a language model's are of documents, which are what chance has drawn."""

from __future__ import annotations

import pytest
import torch
from text_data import shares
from text_score import by_document

from sse_nmt.system.errors import UserError


def test_blocks_belong_to_the_document_that_they_begin_in():
    nats, pieces = torch.tensor([1.0, 2.0, 4.0, 8.0]), torch.tensor([4.0, 4.0, 4.0, 2.0])
    found = by_document((nats, pieces), [5, 3, 6])  # blocks begin at pieces 0, 4, 8 and 12
    assert [each.tolist() for each in found] == [[3.0, 0.0, 12.0], [8.0, 0.0, 6.0]]


def test_lengths_of_another_text_are_refused():
    with pytest.raises(UserError, match="must have lengths of 4 pieces, but has 5."):
        by_document((torch.ones(1), torch.tensor([4.0])), [5])


def test_shares_of_ten_things_and_not_of_nine():
    assert [len(share) for share in shares(range(10), None).values()] == [8, 1, 1]
    with pytest.raises(UserError, match="at least ten documents and ten sentences, but there are 9 of one"):
        shares(range(9), None)
