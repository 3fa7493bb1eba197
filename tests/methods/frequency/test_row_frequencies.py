"""Frequencies counted from a stream of ids."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from sse_nmt.methods.frequency import row_frequencies


def test_counts_pieces_of_any_shape():
    pieces = [[3, 1, 1], torch.tensor([[1, 0], [3, 3]]), [], torch.tensor([1], dtype=torch.int32)]
    counts = Counter([3, 1, 1, 1, 0, 3, 3, 1])
    found = row_frequencies(iter(pieces), 5)
    torch.testing.assert_close(found, torch.tensor([counts[row] / 8 for row in range(5)]), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("pieces", "sentence"),
    [
        ([[0, 5]], "`ids` must be rows in [0, 5), but 5 is among them."),
        ([[0], [-1]], "`ids` must be rows in [0, 5), but -1 is among them."),
        ([[]], "`ids` must hold at least one id, but hold none."),
    ],
)
def test_refuses_ids_that_are_none(pieces, sentence):
    with pytest.raises(ValueError) as error:
        row_frequencies(pieces, 5)
    assert str(error.value) == sentence
