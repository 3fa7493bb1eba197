"""Options and what they refuse, each with its whole sentence."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from fairseq.data import Dictionary
from fairseq_training import configuration
from torch import nn

from sse_nmt.adapters.sse.installation import Side, candidate_ids, install, make_transition
from sse_nmt.adapters.sse.options import (
    GraphOptions,
    SSEConfig,
    source_graph,
    source_probability,
    target_graph,
    target_probability,
)
from sse_nmt.graphs.graph_file import GraphFile, save_graph
from sse_nmt.methods.sse import KnowledgeGraph
from sse_nmt.system.errors import OptionError, UserError
from sse_nmt.system.options import check_options
from sse_nmt.tasks.translation_sse import TranslationSSETask


def dictionary(words: int = 6) -> Dictionary:
    made = Dictionary()
    for word in range(words):
        made.add_symbol(f"w{word}")
    return made


def test_the_paper_s_probability_is_the_default_on_both_sides_and_labels_stay():
    cfg = SSEConfig()
    assert (source_probability(cfg), target_probability(cfg), cfg.sse_prob_label) == (0.01, 0.01, 0.0)


def test_a_side_s_own_probability_counts_even_if_it_is_0():
    cfg = SSEConfig(sse_prob=0.3, sse_prob_source=0.0)
    assert (source_probability(cfg), target_probability(cfg)) == (0.0, 0.3)


@pytest.mark.parametrize("flag", ["--sse-prob", "--sse-prob-source", "--sse-prob-target", "--sse-prob-label"])
@pytest.mark.parametrize("value", ["1.5", "-0.1", "nan"])
def test_probabilities_outside_0_1_are_refused(toy_data, tmp_path, flag, value):
    cfg = configuration(toy_data / "bin", tmp_path, "--arch", "transformer", f"{flag}={value}")
    with pytest.raises(ValueError) as error:
        TranslationSSETask.setup_task(cfg.task)
    assert str(error.value) == f"`{flag}` must be in [0, 1], but is {value} instead."


def test_without_a_graph_it_is_sse_se_and_with_one_half_goes_to_neighbours():
    assert source_graph(SSEConfig()) is None and target_graph(SSEConfig()) is None
    cfg = SSEConfig(sse_graph_target="g")
    assert source_graph(cfg) is None and target_graph(cfg) == GraphOptions("g", None, 0.5)
    assert source_graph(SSEConfig(sse_graph_source="g", sse_neighbour_mass=0.0)) == GraphOptions("g", None, 0.0)
    assert source_graph(SSEConfig(sse_graph_source="g", sse_rho=500)) == GraphOptions("g", 500, None)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"sse_graph_source": "g", "sse_rho": 2.0, "sse_neighbour_mass": 0.5},
            "`--sse-rho` must not be given beside `--sse-neighbour-mass`, but is 2.0.",
        ),
        ({"sse_rho": 2.0}, "`--sse-rho` needs `--sse-graph-source` or `--sse-graph-target`, but neither is given."),
        (
            {"sse_neighbour_mass": 0.0},
            "`--sse-neighbour-mass` needs `--sse-graph-source` or `--sse-graph-target`, but neither is given.",
        ),
        ({"sse_graph_source": "g", "sse_rho": 0.5}, "`--sse-rho` must be at least 1 and finite, but is 0.5 instead."),
        (
            {"sse_graph_target": "g", "sse_neighbour_mass": 1.5},
            "`--sse-neighbour-mass` must be in [0, 1], but is 1.5 instead.",
        ),
    ],
)
def test_strengths_that_cannot_be_are_refused(options, sentence):
    cfg = SSEConfig(**options)
    with pytest.raises(ValueError) as error:
        check_options(cfg, error=OptionError)
        source_graph(cfg)
    assert str(error.value) == sentence


def test_a_graph_for_another_dictionary_is_refused(tmp_path):
    words, others = dictionary(6), dictionary(7)
    graph = KnowledgeGraph.from_edges(10, torch.tensor([4]), torch.tensor([5]))
    save_graph(tmp_path / "graph.npz", GraphFile(graph, tuple(words.symbols)))
    with pytest.raises(UserError) as error:
        make_transition(11, 0.1, others, "encoder", GraphOptions(str(tmp_path / "graph.npz"), 2.0, None))
    assert str(error.value) == (
        f"{tmp_path}/graph.npz must be a graph over the encoder dictionary, which has 11 rows, but is for 10 rows."
    )


def test_the_log_says_what_the_graph_amounts_to(tmp_path, caplog):
    words = dictionary(6)
    words.count[4:] = [50, 30, 10, 5, 3, 2]
    graph = KnowledgeGraph.from_edges(10, torch.tensor([4, 4, 6]), torch.tensor([5, 6, 4]))
    save_graph(tmp_path / "graph.npz", GraphFile(graph, tuple(words.symbols)))
    with caplog.at_level("INFO", "sse_nmt"):
        make_transition(10, 0.1, words, "decoder", GraphOptions(str(tmp_path / "graph.npz"), None, 0.5))
    assert caplog.messages == [
        f"SSE-Graph, decoder: p0 = 0.1 over 6 of 10 rows along {tmp_path}/graph.npz; 2 of 6 rows with neighbours, "
        "mean degree 1.5, 60.0% of running tokens covered; mean neighbour mass 0.500 of the rows with neighbours"
    ]


def test_fillers_and_specials_are_no_candidates_but_words_that_look_like_fillers_are():
    words = dictionary(3)
    words.add_symbol("madeupword0000", n=5)
    words.pad_to_multiple_(16)
    assert len(words) == 16
    assert candidate_ids(words) == [4, 5, 6, 7]


def test_a_dictionary_of_one_word_is_refused():
    model = SimpleNamespace(encoder=nn.Module())
    model.encoder.embed_tokens = nn.Embedding(5, 4)
    with pytest.raises(ValueError) as error:
        install(model, [Side("encoder", 0.1, dictionary(1))], seed=1)
    assert str(error.value) == "The encoder dictionary must have at least two words for SSE, but has 1 instead."


class Wordless(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Module(), nn.Module()
        self.encoder.embed_tokens = nn.Linear(2, 2)


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ("encoder", "`encoder.embed_tokens` of Wordless must be an nn.Embedding, but is a Linear instead."),
        ("decoder", "`decoder.embed_tokens` of Wordless must be an nn.Embedding, but is missing instead."),
        ("joiner", "`joiner.embed_tokens` of Wordless must be an nn.Embedding, but is missing instead."),
    ],
)
def test_a_model_without_embed_tokens_is_named(part, sentence):
    with pytest.raises(ValueError) as error:
        install(Wordless(), [Side(part, 0.1, dictionary())], seed=1)
    assert str(error.value) == sentence
    install(Wordless(), [Side(part, 0.0, dictionary())], seed=1)  # at 0 nothing is asked of the model
