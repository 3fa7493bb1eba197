"""What must hold of training with the task; real fairseq trainings on the toy corpus."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path

import pytest
import torch
from fairseq.checkpoint_utils import load_model_ensemble_and_task
from fairseq_training import SHARED, SMALL_TRANSFORMER, configuration, same_parameters, train

from sse_nmt.adapters.sse import seeding
from sse_nmt.graphs.graph_file import GraphFile, save_graph
from sse_nmt.methods.counter_stream import FINISHED, CounterStream
from sse_nmt.methods.sse import KnowledgeGraph, UniformTransition
from sse_nmt.runs.checkpoints import load_checkpoint
from sse_nmt.tasks.translation_sse import TranslationSSETask
from sse_nmt.text.dictionary import Vocabulary


@pytest.fixture(scope="module")
def data(toy_data: Path) -> Path:
    return toy_data / "bin"


class Spy:
    """Records every draw: per transition the state of the stream before it, the ids and what they became."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.draws: dict[int, list[tuple[tuple[int, ...], torch.Tensor, torch.Tensor]]] = defaultdict(list)
        sample = UniformTransition.sample

        def recorded(transition, ids, stream=None):
            state = _state(stream)
            drawn = sample(transition, ids, stream)
            self.draws[id(transition)].append((state, ids.cpu(), drawn.cpu()))
            return drawn

        monkeypatch.setattr(UniformTransition, "sample", recorded)

    def states(self, side: int = 0) -> list[tuple[int, ...]]:
        return [state for state, _, _ in list(self.draws.values())[side]]


def _state(stream: torch.Generator | CounterStream) -> tuple[int, ...]:
    """What it draws next hangs on: on a GPU the key and the number of the draw."""
    state = stream.state[:FINISHED] if isinstance(stream, CounterStream) else stream.get_state()
    return tuple(state.tolist())


@pytest.fixture(params=["as this device does", "by counting"])
def spy(request, monkeypatch) -> Spy:
    """Of draws in either way: where no kernel runs, torch counts."""
    if request.param == "by counting":
        monkeypatch.setattr(seeding, "triton_runs", lambda device: True)
    return Spy(monkeypatch)


@pytest.mark.parametrize("prob", ["0", "1e-300"])
@pytest.mark.parametrize("sharing", [SHARED, []], ids=["shared", "separate"])
def test_probability_0_is_bit_equal_to_the_plain_task(data, tmp_path, prob, sharing):
    """At 1e-300 every draw is made and none replaces: dropout's random stream is left alone."""
    plain = train(data, tmp_path / "plain", *SMALL_TRANSFORMER, *sharing, task="translation")
    sse = train(data, tmp_path / "sse", *SMALL_TRANSFORMER, *sharing, "--sse-prob", prob)
    assert same_parameters(plain, sse)


def test_sse_changes_the_parameters_and_no_key(data, tmp_path):
    plain = train(data, tmp_path / "plain", task="translation")
    sse = train(data, tmp_path / "sse", "--sse-prob", "0.1")
    assert list(plain["model"]) == list(sse["model"])
    assert not same_parameters(plain, sse)
    assert not [key for key in sse["model"] if "transition" in key]


@pytest.mark.slow
@pytest.mark.parametrize("stop", [7, 10, 13])
@pytest.mark.parametrize("frequency", ["1", "2"])
def test_resumed_is_bit_equal_to_unbroken(data, tmp_path, frequency, stop):
    """Within the first epoch, at its end, and in the second (an epoch has 20 batches)."""
    words = ["--sse-prob", "0.1", "--sse-prob-label", "0.1", "--update-freq", frequency]
    unbroken = train(data, tmp_path / "unbroken", *words, updates=20)
    train(data, tmp_path / "resumed", *words, updates=stop)
    resumed = train(data, tmp_path / "resumed", *words, updates=20)
    assert same_parameters(unbroken, resumed)


def test_training_starts_from_a_plain_checkpoint_and_back(data, tmp_path):
    train(data, tmp_path / "plain", task="translation", updates=5)
    start = ["--restore-file", str(tmp_path / "plain" / "checkpoint_last.pt")]
    train(data, tmp_path / "sse", "--sse-prob", "0.1", *start, updates=10)
    back = ["--restore-file", str(tmp_path / "sse" / "checkpoint_last.pt")]
    assert train(data, tmp_path / "back", *back, task="translation", updates=15)


def test_draws_differ_between_updates_sides_micro_batches_and_epochs(data, tmp_path, spy):
    train(data, tmp_path / "one", "--sse-prob", "0.1", "--update-freq", "2", updates=12)
    assert len(spy.draws) == 2  # one transition a side, though the table is shared
    source, target = spy.states(0), spy.states(1)
    assert len(source) > 20  # two micro-batches an update, several epochs
    assert len(set(source)) == len(source) and not set(source) & set(target)


def test_same_seed_draws_the_same_and_another_seed_does_not(data, tmp_path, monkeypatch):
    spies = []
    for number, seed in enumerate(("1", "1", "2")):
        with monkeypatch.context() as patch:
            spies.append(Spy(patch))
            train(data, tmp_path / str(number), "--sse-prob", "0.1", "--seed", seed, updates=5)
    one, same, other = (spy.states() for spy in spies)
    assert one == same and not set(one) & set(other)


def test_specials_and_fillers_neither_leave_nor_arrive(data, tmp_path, spy):
    padded = Path(shutil.copytree(data, tmp_path / "padded"))
    for path in padded.glob("dict.*.txt"):
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"madeupword{number} 0\n" for number in range(9000, 9008))
    train(padded, tmp_path, "--sse-prob", "1", "--sse-prob-label", "1", updates=5)
    entries = [line.split()[0] for line in (padded / "dict.de.txt").read_text(encoding="utf-8").splitlines()]
    words = torch.tensor([4 + i for i, entry in enumerate(entries) if not entry.startswith("madeupword")])
    assert len(words) <= len(entries) - 8
    assert len(spy.draws) == 3
    for draws in spy.draws.values():
        for _, ids, drawn in draws:
            word = torch.isin(ids, words)
            assert torch.equal(ids[~word], drawn[~word])
            assert torch.isin(drawn[word], words).all() and (ids[word] != drawn[word]).all()


@pytest.fixture(scope="module")
def graph(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every word's neighbour is the next one; one graph of the joint vocabulary."""
    vocabulary = Vocabulary.read(data / "dict.de.txt")
    words = torch.tensor(vocabulary.words)
    path = tmp_path_factory.mktemp("graph") / "graph.npz"
    made = KnowledgeGraph.from_edges(len(vocabulary), words, torch.roll(words, -1))
    save_graph(path, GraphFile(made, vocabulary.tokens))
    return path


def test_ids_move_along_one_graph_on_both_sides_and_labels_too(data, graph, tmp_path, spy):
    graph = ["--sse-graph-source", str(graph), "--sse-graph-target", str(graph), "--sse-neighbour-mass", "1"]
    train(data, tmp_path, *graph, "--sse-prob", "1", "--sse-prob-label", "1", updates=3)
    assert len(spy.draws) == 3
    words = torch.tensor(Vocabulary.read(data / "dict.de.txt").words)
    after = torch.arange(int(words.max()) + 2)
    after[words] = torch.roll(words, -1)
    for draws in spy.draws.values():
        for _, ids, drawn in draws:
            assert torch.equal(drawn, torch.where(torch.isin(ids, words), after[ids.clamp(max=len(after) - 1)], ids))


def test_one_side_along_a_graph_and_the_other_by_sse_se(data, graph, tmp_path, spy):
    train(data, tmp_path, "--sse-graph-target", str(graph), "--sse-rho", "1e9", "--sse-prob", "1", updates=2)
    source, target = ([drawn - ids for _, ids, drawn in draws] for draws in spy.draws.values())
    steps = [torch.cat([step.flatten() for step in side]).unique().tolist() for side in (source, target)]
    # To the next word, from the last one to the first, or, special symbols, nowhere.
    assert len(steps[0]) > 20 and {0, 1} <= set(steps[1]) and len(steps[1]) <= 3


def test_resumed_along_a_graph_is_bit_equal_to_unbroken(data, graph, tmp_path):
    graph = ["--sse-graph-source", str(graph), "--sse-graph-target", str(graph), "--sse-prob", "0.1"]
    unbroken = train(data, tmp_path / "unbroken", *graph, updates=20)
    train(data, tmp_path / "resumed", *graph, updates=13)
    assert same_parameters(unbroken, train(data, tmp_path / "resumed", *graph, updates=20))
    assert not same_parameters(unbroken, train(data, tmp_path / "other", "--sse-prob", "0.1", updates=20))


def test_at_probability_0_a_graph_changes_no_bit(data, graph, tmp_path):
    plain = train(data, tmp_path / "plain", task="translation", updates=5)
    graph = ["--sse-graph-source", str(graph), "--sse-graph-target", str(graph), "--sse-prob", "1e-300"]
    assert same_parameters(plain, train(data, tmp_path / "sse", *graph, updates=5))


def test_a_checkpoint_translates_where_its_graph_is_missing(data, graph, tmp_path):
    copy = Path(shutil.copy(graph, tmp_path / "graph.npz"))
    train(data, tmp_path, "--sse-graph-source", str(copy), "--sse-prob", "0.1", updates=2)
    copy.unlink()
    (model,), _, task = load_model_ensemble_and_task([str(tmp_path / "checkpoint_last.pt")])
    assert task.cfg.sse_graph_source == str(copy) and type(model.encoder.embed_tokens) is torch.nn.Embedding


def test_labels_are_left_alone_unless_asked_for(data, tmp_path, spy):
    words = ["--sse-prob", "0", "--sse-prob-label", "0.2"]
    labels = train(data, tmp_path / "labels", *words, updates=5)
    assert len(spy.draws) == 1
    assert not same_parameters(labels, train(data, tmp_path / "plain", task="translation", updates=5))


def test_sides_have_their_own_probabilities(data, tmp_path, spy):
    train(data, tmp_path, "--sse-prob", "0.5", "--sse-prob-source", "0", "--sse-prob-target", "1", updates=3)
    (draws,) = spy.draws.values()
    for _, ids, drawn in draws:
        assert (ids[ids > 3] != drawn[ids > 3]).all()


ARCHITECTURES = {
    "lstm": "--encoder-embed-dim 16 --decoder-embed-dim 16 --encoder-hidden-size 16 --decoder-hidden-size 16 "
    "--decoder-out-embed-dim 16",
    "fconv": "--encoder-embed-dim 16 --decoder-embed-dim 16 --encoder-layers [(16,3)] --decoder-layers [(16,3)] "
    "--decoder-out-embed-dim 16",
    "lightconv": "--encoder-embed-dim 16 --decoder-embed-dim 16 --encoder-conv-dim 16 --decoder-conv-dim 16 "
    "--encoder-ffn-embed-dim 32 --decoder-ffn-embed-dim 32 --encoder-layers 1 --decoder-layers 1 "
    "--encoder-attention-heads 2 --decoder-attention-heads 2 --encoder-kernel-size-list [3] "
    "--decoder-kernel-size-list [3]",
    "lightconv, dynamic": "--encoder-embed-dim 16 --decoder-embed-dim 16 --encoder-conv-dim 16 --decoder-conv-dim 16 "
    "--encoder-ffn-embed-dim 32 --decoder-ffn-embed-dim 32 --encoder-layers 1 --decoder-layers 1 "
    "--encoder-attention-heads 2 --decoder-attention-heads 2 --encoder-kernel-size-list [3] "
    "--decoder-kernel-size-list [3] --encoder-conv-type dynamic --decoder-conv-type dynamic",
    "bart_base": "--encoder-embed-dim 16 --decoder-embed-dim 16 --encoder-ffn-embed-dim 32 --decoder-ffn-embed-dim 32 "
    "--encoder-layers 1 --decoder-layers 1 --encoder-attention-heads 2 --decoder-attention-heads 2",
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "words"), ARCHITECTURES.items(), ids=ARCHITECTURES)
def test_every_encoder_decoder_model(data, tmp_path, monkeypatch, name, words):
    architecture = ["--arch", name.partition(",")[0], *words.split()]
    plain = train(data, tmp_path / "plain", *architecture, task="translation", updates=3)
    spy = Spy(monkeypatch)
    sse = train(data, tmp_path / "sse", *architecture, "--sse-prob", "0.3", updates=3)
    assert len(spy.draws) == 2
    assert all(any((ids != drawn).any() for _, ids, drawn in draws) for draws in spy.draws.values())
    assert list(plain["model"]) == list(sse["model"]) and not same_parameters(plain, sse)


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_half_precision(data, tmp_path, precision):
    """fairseq's own --fp16 and --bf16 need a GPU: here the model is turned to half precision as its trainer does."""
    config = configuration(data, tmp_path, *SMALL_TRANSFORMER, *SHARED, "--sse-prob", "1")
    task = TranslationSSETask.setup_task(config.task)
    model = task.build_model(config.model).to(precision).train()
    ids = torch.randint(4, 40, (3, 5))
    embedding = model.encoder.embed_tokens
    vectors = embedding(ids)
    assert vectors.dtype == precision and (vectors != embedding.weight[ids]).any(-1).all()
    vectors.sum().backward()
    assert embedding.weight.grad.dtype == precision


def test_averaging_of_parameters_copies_the_model(data, tmp_path):
    train(data, tmp_path, "--sse-prob", "0.1", "--store-ema", "--ema-fp32", updates=5)


def test_checkpoint_passes_torchs_check(data, tmp_path):
    train(data, tmp_path, "--sse-prob", "0.1", updates=2)
    state = torch.load(tmp_path / "checkpoint_last.pt", weights_only=True)
    assert state["model"].keys() == load_checkpoint(tmp_path / "checkpoint_last.pt")["model"].keys()
