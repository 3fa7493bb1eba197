"""Language modelling, masked or not, and classification with SSE: what holds of translation holds of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import MadeOnce, run_command, sse_nmt_here
from fairseq import tasks
from fairseq_training import configuration, same_parameters, train, train_in_two_processes
from toy_corpus import sentences

from sse_nmt.adapters.sse.installation import candidate_ids, ids_kept
from sse_nmt.adapters.sse.seeding import SeededEmbedding
from sse_nmt.runs.checkpoints import load_checkpoint
from sse_nmt.system.atomic_files import write_lines
from sse_nmt.system.errors import UserError

_DECODER = ["--decoder-layers", "1", "--decoder-attention-heads", "2", "--decoder-embed-dim", "16",
            "--decoder-input-dim", "16", "--decoder-output-dim", "16"]  # fmt: skip
_ENCODER = ["--encoder-layers", "1", "--encoder-attention-heads", "2", "--encoder-embed-dim", "16"]
_ROBERTA = ["--arch", "roberta_base", *_ENCODER, "--encoder-ffn-embed-dim", "32", "--max-positions", "64"]


@dataclass(frozen=True)
class Kind:
    plain: str
    data: str
    words: list[str]
    criterion: list[str]
    part: str

    @property
    def task(self) -> str:
        return f"{self.plain}_sse"


KINDS = {
    "language model": Kind(
        "language_modeling", "lm",
        ["--arch", "transformer_lm", *_DECODER, "--decoder-ffn-embed-dim", "32", "--share-decoder-input-output-embed",
         "--tokens-per-sample", "32", "--sample-break-mode", "eos"],
        ["--criterion", "cross_entropy"], "decoder",
    ),
    "masked language model": Kind(
        "masked_lm", "lm", [*_ROBERTA, "--tokens-per-sample", "32", "--sample-break-mode", "eos"],
        ["--criterion", "masked_lm"], "encoder.sentence_encoder",
    ),
    "classification": Kind(
        "sentence_prediction", "classes", [*_ROBERTA, "--num-classes", "2", "--init-token", "0"],
        ["--criterion", "sentence_prediction"], "encoder.sentence_encoder",
    ),
}  # fmt: skip


def binarise(folder: Path, texts: dict[str, list[str]], *words: str) -> None:
    """``texts``: of train and valid."""
    for split, lines in texts.items():
        write_lines(folder / f"{split}.txt", lines)
    prefixes = [word for split in texts for word in (f"--{split}pref", str(folder / f"{split}.txt"))]
    done = run_command("fairseq-preprocess", "--only-source", *prefixes, "--destdir", str(folder), *words)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def data(made_once: MadeOnce) -> Path:
    """Texts of our own: sentences, and whether they are of a house or a car."""

    def fill(folder: Path) -> None:
        lines = [source.replace(".", " .") for source, _ in sentences(200)]
        texts = {"train": lines[:160], "valid": lines[160:]}
        binarise(folder / "lm", texts)
        binarise(folder / "classes/input0", texts, "--srcdict", str(folder / "lm/dict.txt"))
        classes = {
            split: [str(int("house" in line or "car" in line)) for line in text] for split, text in texts.items()
        }
        binarise(folder / "classes/label", classes)

    return made_once("one-table-data", fill)


def trained(
    kind: Kind, data: Path, save: Path, *words: str, task: str | None = None, updates: int = 8
) -> dict[str, Any]:
    return train(
        data / kind.data, save, *kind.words, *words, task=task or kind.task, criterion=kind.criterion, updates=updates
    )


def built(kind: Kind, data: Path, *words: str, from_checkpoint: bool = False) -> tuple[Any, Any]:
    """Task and model, to be trained, or to be filled from a checkpoint."""
    cfg = configuration(data / kind.data, Path("."), *kind.words, *words, task=kind.task, criterion=kind.criterion)
    task = tasks.setup_task(cfg.task)
    return task, task.build_model(cfg.model, from_checkpoint)


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.mark.slow
def test_at_0_it_is_the_plain_task_bit_for_bit(kind, data, tmp_path):
    plain = trained(kind, data, tmp_path / "plain", task=kind.plain)
    assert same_parameters(plain, trained(kind, data, tmp_path / "at 0", "--sse-prob", "0"))
    perturbed = trained(kind, data, tmp_path / "sse", "--sse-prob", "0.3")
    assert not same_parameters(plain, perturbed) and plain["model"].keys() == perturbed["model"].keys()


@pytest.mark.slow
def test_checkpoints_go_over_both_ways(kind, data, tmp_path):
    """A run of one task goes on as the other, and ends as one that was the other from there on."""
    trained(kind, data, tmp_path / "run", "--sse-prob", "0.3")
    plain = trained(kind, data, tmp_path / "run", task=kind.plain, updates=12)
    back = trained(kind, data, tmp_path / "run", "--sse-prob", "0.3", updates=16)
    assert [state["optimizer_history"][-1]["num_updates"] for state in (plain, back)] == [12, 16]


@pytest.mark.slow
def test_resumed_it_is_the_unbroken_run(kind, data, tmp_path):
    words = ["--sse-prob", "0.3", *([] if kind.plain == "masked_lm" else ["--sse-prob-label", "0.2"])]
    trained(kind, data, tmp_path / "run", *words, updates=5)
    resumed = trained(kind, data, tmp_path / "run", *words, updates=14)
    assert same_parameters(resumed, trained(kind, data, tmp_path / "unbroken", *words, updates=14))


def test_processes_train_one_model_and_draw_for_themselves(kind, data, tmp_path, long):
    """At 0 they are one process with twice the batch; with SSE something else."""
    if not long:
        pytest.skip("six processes of six seconds each: with --long")
    words = [*kind.words, "--optimizer", "sgd", "--lr", "0.1"]
    settings = {"updates": 3, "task": kind.task, "criterion": kind.criterion}
    at_0, sse = (
        train_in_two_processes(data / kind.data, tmp_path / prob, *words, "--sse-prob", prob, **settings)
        for prob in ("0", "0.5")
    )
    one = train(
        data / kind.data,
        tmp_path / "one",
        *words,
        "--sse-prob",
        "0",
        "--dropout",
        "0",
        "--update-freq",
        "2",
        **settings,
    )["model"]
    if kind.plain == "language_modeling":  # the others draw, mask or make a head, in each process by itself
        for key, value in one.items():
            torch.testing.assert_close(at_0[key], value, rtol=1e-3, atol=1e-4, msg=key)
    assert any(not torch.equal(at_0[key], sse[key]) for key in at_0)


@pytest.mark.parametrize("chunk", [0, 7])
def test_a_language_model_takes_the_faster_loss(data, tmp_path, chunk):
    kind = KINDS["language model"]
    fused = ["fused_label_smoothed_cross_entropy", "--label-smoothing", "0", "--loss-chunk-tokens", str(chunk)]
    words = ["--sse-prob", "0.3", "--optimizer", "sgd", "--lr", "0.5"]
    plain = trained(kind, data, tmp_path / "plain", *words)
    faster = trained(replace(kind, criterion=["--criterion", *fused]), data, tmp_path / "faster", *words)
    for key, value in plain["model"].items():
        torch.testing.assert_close(faster["model"][key], value, rtol=1e-4, atol=1e-5, msg=key)


def test_outside_training_nothing_is_perturbed(kind, data):
    _, model = built(kind, data, "--sse-prob", "0.9")
    ids = torch.arange(4, 20)[None]
    table = model.get_submodule(kind.part).embed_tokens
    assert isinstance(table, SeededEmbedding) and not torch.equal(table(ids), table.weight[ids])
    assert torch.equal(table.eval()(ids), table.weight[ids])
    _, model = built(kind, data, "--sse-prob", "0.9", from_checkpoint=True)
    assert not any(isinstance(module, SeededEmbedding) for module in model.modules())


def test_torch_reads_its_checkpoints_with_its_check_on(kind, data, tmp_path):
    state = trained(kind, data, tmp_path, "--sse-prob", "0.3", updates=2)
    assert (
        load_checkpoint(tmp_path / "checkpoint_last.pt")["cfg"]["task"]["_name"]
        == kind.task
        == state["cfg"]["task"]["_name"]
    )


def test_the_mask_takes_no_part(data):
    """It lies beyond the special symbols, and looks like a word."""
    for name in ("masked language model", "classification"):
        task, model = built(KINDS[name], data, "--sse-prob", "1")
        mask = task.dictionary.index("<mask>")
        assert mask == len(task.dictionary) - 1 >= task.dictionary.nspecial
        table = model.get_submodule("encoder.sentence_encoder").embed_tokens
        assert table.draw(torch.full((500,), mask)).eq(mask).all()
        drawn = table.draw(torch.arange(4, mask).repeat(500))
        assert drawn.ne(mask).all() and drawn.min() >= task.dictionary.nspecial


def test_what_the_model_is_asked_for_stays(data):
    kind = KINDS["masked language model"]
    task, model = built(kind, data, "--sse-prob", "1")
    task.load_dataset("train")
    batch = task.dataset("train").collater([task.dataset("train")[i] for i in range(20)])
    ids, asked = batch["net_input"]["src_tokens"], batch["target"].ne(task.dictionary.pad())
    table = model.get_submodule(kind.part).embed_tokens
    with ids_kept(model, asked):
        drawn = table.draw(ids)
    words = torch.isin(ids, torch.tensor(candidate_ids(task.dictionary)))  # fairseq may have put in a filler
    assert asked.any() and torch.equal(drawn[asked], ids[asked]) and (drawn != ids)[words & ~asked].all()
    assert (table.draw(ids) != ids)[words].all()  # and afterwards all again


def test_classes_are_replaced_by_classes(data):
    task, _ = built(KINDS["classification"], data, "--sse-prob-label", "1")
    labels = torch.tensor([[0], [1]]).repeat(50, 1)
    assert torch.equal(task._labels(labels, 1), 1 - labels)


def test_along_a_graph(kind, data, tmp_path):
    dictionary = data / "lm/dict.txt"
    write_lines(tmp_path / "edges.tsv", ["house\tcar"])
    graph = tmp_path / "graph.npz"
    sse_nmt_here("graph", "build", "edges", graph, "--dictionary", dictionary, "--edges", tmp_path / "edges.tsv")
    task, model = built(kind, data, "--sse-prob", "1", "--sse-graph", str(graph), "--sse-neighbour-mass", "1")
    house, car = (task.source_dictionary.index(word) for word in ("house", "car"))
    table = model.get_submodule(kind.part).embed_tokens
    assert table.draw(torch.full((50,), house)).eq(car).all()


def test_rivals_and_their_text(kind, data):
    for noise in ("unigram", "mask", "word_dropout", "switchout", "neftune"):
        _, model = built(kind, data, "--embedding-noise", noise)
        assert isinstance(model.get_submodule(kind.part).embed_tokens, SeededEmbedding)


@pytest.mark.parametrize(
    ("name", "words", "sentence"),
    [
        ("language model", ["--adaptive-input", "--adaptive-input-cutoff", "10,20"],
         "`decoder.embed_tokens` of TransformerLanguageModel must be an "
         "nn.Embedding, but is a AdaptiveInput instead."),
        ("language model", ["--character-embeddings"], "`decoder.embed_tokens` of TransformerLanguageModel must be an "
         "nn.Embedding, but is a CharacterTokenEmbedder instead."),
        ("language model", ["--sse-rho", "3"], "`--sse-rho` needs `--sse-graph`, but it is not given."),
        ("masked language model", ["--sse-prob", "2"], "`--sse-prob` must be in [0, 1], but is 2.0 instead."),
        ("classification", ["--embedding-noise", "mask", "--sse-graph", "g"], "`--sse-graph` is for SSE, but "
         "`--embedding-noise` is mask."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(data, name, words, sentence):
    kind = KINDS[name]
    plain = replace(kind, words=[word for word in kind.words if not word.startswith("--share")])
    with pytest.raises(UserError) as error:
        built(plain, data, *words)
    assert str(error.value) == sentence


def test_numbers_have_no_classes(data):
    cfg = configuration(
        data / "classes", Path("."), *KINDS["classification"].words, "--regression-target", "--sse-prob-label", "0.1",
        task="sentence_prediction_sse", criterion=KINDS["classification"].criterion,
    )  # fmt: skip
    task = tasks.setup_task(cfg.task)
    with pytest.raises(UserError, match="must be for classes, but the labels are numbers"):
        task.build_model(cfg.model)
