"""The tables of a model, and ties."""

from __future__ import annotations

import pytest
from torch import nn

from sse_nmt.methods.frequency import embedding_tables


class Translator(nn.Module):
    def __init__(self, tied: bool = False) -> None:
        super().__init__()
        self.source = nn.Embedding(9, 4)
        self.target = nn.Embedding(9, 4)
        self.positions = nn.Embedding(5, 4)
        self.output = nn.Linear(4, 9)
        if tied:
            self.output.weight = self.target.weight


def test_all_of_them_or_those_named():
    model = Translator()
    assert [id(t) for t in embedding_tables(model, ["target"])] == [id(model.target.weight)]
    assert len(embedding_tables(model)) == 3


def test_one_table_in_two_places_counts_once():
    model = Translator()
    model.target.weight = model.source.weight
    assert [id(t) for t in embedding_tables(model, ["source", "target"])] == [id(model.source.weight)]


@pytest.mark.parametrize(
    ("tied", "names", "sentence"),
    [
        (True, ["target"], "`target` must have a table of its own, but shares it with `output` instead."),
        (True, None, "`target` must have a table of its own, but shares it with `output` instead."),
        (False, ["output"], "`names` must name embeddings of Translator, but 'output' is none of them."),
    ],
)
def test_refusals(tied, names, sentence):
    with pytest.raises(ValueError) as error:
        embedding_tables(Translator(tied), names)
    assert str(error.value) == sentence
    assert len(embedding_tables(Translator(tied), ["source"])) == 1
