"""The criterion beside fairseq's own, on fairseq's models and in its trainings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq import criterions, tasks
from fairseq.distributed.module_proxy_wrapper import ModuleProxyWrapper
from fairseq.logging import metrics
from fairseq.models import build_model
from fairseq_training import SHARED, SMALL_TRANSFORMER, configuration, same_parameters, train, train_in_two_processes
from forked import run_forked
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from sse_nmt.adapters.losses.criterion import NAME
from sse_nmt.methods.losses import cross_entropy, linear_cross_entropy
from sse_nmt.system.errors import OptionError

THEIRS = ["--criterion", "label_smoothed_cross_entropy", "--label-smoothing", "0.1"]
WHOLE = ["--criterion", NAME, "--label-smoothing", "0.1"]
CHUNKS = [*WHOLE, "--loss-chunk-tokens", "7"]
ours = pytest.mark.parametrize("words", [WHOLE, CHUNKS], ids=["whole", "chunks"])

TIED = {
    "all": SHARED,
    "decoder": ["--share-decoder-input-output-embed"],
    "none": [],
}
ARCHITECTURES = {
    "lstm": "--encoder-embed-dim 16 --decoder-embed-dim 16 --encoder-hidden-size 16 --decoder-hidden-size 16 "
    "--decoder-out-embed-dim 16",
    "fconv": "--encoder-embed-dim 16 --decoder-embed-dim 16 --encoder-layers [(16,3)] --decoder-layers [(16,3)] "
    "--decoder-out-embed-dim 16",
    "transformer_align": " ".join(SMALL_TRANSFORMER[2:]) + " --alignment-layer 0",
}


@pytest.fixture(scope="module")
def data(toy_data: Path) -> Path:
    return toy_data / "bin"


class Setting:
    """A seeded model, the criterion that the words name, and a batch with padding."""

    def __init__(self, data: Path, *words: str, architecture: list[str], task: str = "translation") -> None:
        config = configuration(data, Path("unused"), *architecture, *words, task=task)
        self.task = tasks.setup_task(config.task)
        self.task.load_dataset("train")
        torch.manual_seed(1)
        self.model = build_model(config.model, self.task)
        self.criterion = criterions.build_criterion(config.criterion, self.task)
        dataset = self.task.dataset("train")
        self.sample = dataset.collater([dataset[i] for i in range(12)])
        assert self.sample["target"].eq(self.criterion.padding_idx).any(), "without padding this shows less"

    def losses(self, reduce: bool = True, dtype: torch.dtype = torch.float32) -> tuple[Any, int, dict[str, Any]]:
        """Backward too; dropout is seeded."""
        self.model.to(dtype).train()
        torch.manual_seed(2)
        loss, sample_size, logged = self.criterion(self.model, self.sample, reduce=reduce)
        loss.sum().backward()
        return loss, sample_size, logged

    def gradients(self) -> dict[str, torch.Tensor]:
        return {name: p.grad.double() for name, p in self.model.named_parameters() if p.grad is not None}


def assert_same(one: Setting, other: Setting, tolerance: float = 1e-6, **words: Any) -> None:
    """Losses, what is logged, and every gradient."""
    (loss, size, logged), (expected, expected_size, expected_logged) = one.losses(**words), other.losses(**words)
    assert loss.shape == expected.shape and loss.dtype == expected.dtype and size == expected_size
    torch.testing.assert_close(loss, expected, rtol=tolerance, atol=tolerance)
    assert logged.keys() == expected_logged.keys()
    for key, value in expected_logged.items():
        torch.testing.assert_close(logged[key], value, rtol=tolerance, atol=tolerance)
    found, wanted = one.gradients(), other.gradients()
    assert found.keys() == wanted.keys()
    whole = torch.cat([gradient.flatten() for gradient in wanted.values()]).norm()
    for name, gradient in wanted.items():
        # Relative to the gradient as a whole: that of a key projection's bias is 0 but for rounding.
        assert (found[name] - gradient).norm() <= tolerance * max(gradient.norm(), 0.01 * whole), name


@ours
@pytest.mark.parametrize("tied", TIED)
@pytest.mark.parametrize("options", ["", "--ignore-prefix-size 2 --report-accuracy"])
def test_equals_upstreams(data, words, tied, options):
    architecture = [*SMALL_TRANSFORMER, *TIED[tied]]
    one = Setting(data, *words, *options.split(), architecture=architecture)
    assert_same(one, Setting(data, *THEIRS, *options.split(), architecture=architecture))


@ours
@pytest.mark.parametrize("options", [["--sentence-avg"], ["--label-smoothing", "0"], ["--label-smoothing", "1"]])
def test_equals_upstreams_under_other_options(data, words, options):
    architecture = [*SMALL_TRANSFORMER, *SHARED]
    one = Setting(data, *words, *options, architecture=architecture)
    assert_same(one, Setting(data, *THEIRS, *options, architecture=architecture))


@ours
def test_equals_upstreams_for_each_token(data, words):
    architecture = [*SMALL_TRANSFORMER, *SHARED]
    one, other = (Setting(data, *criterion, architecture=architecture) for criterion in (words, THEIRS))
    assert_same(one, other, reduce=False)


@ours
def test_equals_upstreams_in_half_precision(data, words):
    """fairseq's --fp16 and --bf16 need a GPU: here the model is turned to bfloat16 as its trainer does."""
    architecture = [*SMALL_TRANSFORMER, *SHARED]
    one, other = (Setting(data, *criterion, architecture=architecture) for criterion in (words, THEIRS))
    assert_same(one, other, tolerance=2e-2, dtype=torch.bfloat16)


@ours
def test_equals_upstreams_under_autocast(data, words):
    """As under fairseq's --amp, which needs a GPU too."""
    architecture = [*SMALL_TRANSFORMER, *SHARED]
    one, other = (Setting(data, *criterion, architecture=architecture) for criterion in (words, THEIRS))
    with torch.autocast("cpu", torch.bfloat16):
        assert_same(one, other, tolerance=2e-2)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_equals_upstreams_on_other_models(data, name):
    architecture = ["--arch", name, *ARCHITECTURES[name].split()]
    assert_same(*(Setting(data, *words, architecture=architecture) for words in (WHOLE, THEIRS)))


def test_equals_upstreams_in_float64(data):
    """Beside the formula: upstream itself takes the logarithm in float32."""
    for words in (WHOLE, CHUNKS):
        setting = Setting(data, *words, architecture=[*SMALL_TRANSFORMER, *SHARED])
        loss, *_ = setting.losses(dtype=torch.float64)
        found = setting.gradients()
        setting.model.zero_grad()
        torch.manual_seed(2)
        logits, _ = setting.model(**setting.sample["net_input"])
        log_p, target = logits.log_softmax(-1), setting.sample["target"]
        gold = log_p.gather(-1, target[..., None]).squeeze(-1)
        others = 0.1 / (log_p.size(-1) - 1)
        expected = -(1 - 0.1 - others) * gold - others * log_p.sum(-1)
        expected = expected[target.ne(setting.criterion.padding_idx)].sum()
        expected.backward()
        torch.testing.assert_close(loss, expected, rtol=1e-10, atol=0)
        for name, gradient in setting.gradients().items():
            torch.testing.assert_close(found[name], gradient, rtol=1e-10, atol=1e-10, msg=name)


def logged(data: Path, save: Path, *words: str, caplog: Any, **settings: Any) -> dict[str, Any]:
    """What the training logged last of training and of validation, without the times."""
    metrics.reset()
    with caplog.at_level("INFO"):
        caplog.clear()
        train(data, save, *words, validate=True, **settings)
    lines = [json.loads(message) for message in caplog.messages if message.startswith('{"')]
    last = {kind: [line for line in lines if f"{kind}_loss" in line][-1] for kind in ("valid", "train")}
    clocks = ("wall", "wps", "ups")
    return {key: value for key, value in (last["valid"] | last["train"]).items() if not key.endswith(clocks)}


@pytest.mark.parametrize(("task", "words"), [("translation", WHOLE), ("translation_sse", CHUNKS)], ids=["plain", "SSE"])
def test_trainings_log_the_same(data, tmp_path, caplog, task, words):
    """With --update-freq, validation and accuracy; 12 updates, so that a wrong gradient would show."""
    options = ["--update-freq", "2", "--report-accuracy", "--log-interval", "1"]
    settings = {"task": task, "updates": 12, "caplog": caplog}
    found = logged(data, tmp_path / "ours", *words, *options, **settings)
    expected = logged(data, tmp_path / "theirs", *THEIRS, *options, **settings)
    assert found.keys() == expected.keys() and {"valid_loss", "valid_accuracy", "train_nll_loss"} <= found.keys()
    for key, value in expected.items():
        assert float(found[key]) == pytest.approx(float(value), rel=2e-3, abs=2e-3), key


def test_resumes_from_upstreams_and_back(data, tmp_path):
    train(data, tmp_path, *THEIRS, updates=4)
    train(data, tmp_path, *CHUNKS, updates=8)
    train(data, tmp_path, *THEIRS, updates=12)


def test_resumed_is_bit_equal_to_unbroken(data, tmp_path):
    unbroken = train(data, tmp_path / "unbroken", *CHUNKS, updates=12)
    train(data, tmp_path / "resumed", *CHUNKS, updates=7)
    assert same_parameters(unbroken, train(data, tmp_path / "resumed", *CHUNKS, updates=12))


@pytest.mark.slow
def test_two_processes(data, tmp_path):
    """Over gloo, as users start it; both criterions must come to the same parameters."""
    more = ["--optimizer", "sgd", "--lr", "0.1", "--sse-prob", "0.1"]
    found, expected = (
        train_in_two_processes(data, tmp_path / name, *words, *more, updates=4)
        for name, words in (("ours", CHUNKS), ("theirs", THEIRS))
    )
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-3, atol=1e-4, msg=key)


_KEPT: list[object] = []  # until their process ends


def in_a_process_group(work: Callable[[], None], folder: Path) -> None:
    """Of one, over gloo, in a process that ends without tidying up what is in `_KEPT`.

    For at its end a wrapper holds the GIL and waits for the group's threads, of which one may wait for the GIL
    (`~Reducer` of torch 2.13).
    """

    def grouped() -> None:
        distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", world_size=1, rank=0)
        work()

    run_forked(grouped, folder / "log")


@ours
def test_pytorchs_data_parallel_wrapper(data, tmp_path, words):
    """fairseq's own --ddp-backend pytorch_ddp needs GPUs; here its two wrappers are put around a model on CPU."""

    def work() -> None:
        one, other = (Setting(data, *criterion, architecture=SMALL_TRANSFORMER) for criterion in (words, THEIRS))
        plain, one.model = one.model, ModuleProxyWrapper(DistributedDataParallel(one.model))
        _KEPT.append(one.model)
        one.losses()
        other.losses()
        one.model = plain
        for name, gradient in other.gradients().items():
            torch.testing.assert_close(one.gradients()[name], gradient, rtol=1e-4, atol=1e-5, msg=name)

    in_a_process_group(work, tmp_path)


@pytest.mark.parametrize("tied", TIED)
def test_looking_for_unused_parameters_is_refused_where_the_output_layer_has_its_own(data, tmp_path, tied):
    """PyTorch would stop amid the first backward."""

    def work() -> None:
        setting = Setting(data, *CHUNKS, architecture=[*SMALL_TRANSFORMER, *TIED[tied]])
        setting.model = ModuleProxyWrapper(DistributedDataParallel(setting.model, find_unused_parameters=True))
        _KEPT.append(setting.model)
        if tied != "none":
            setting.losses()
            return
        sentence = "^`--find-unused-parameters` must be off with `--loss-chunk-tokens` and an output layer of its own"
        with pytest.raises(OptionError, match=sentence):
            setting.losses()

    in_a_process_group(work, tmp_path)


def test_the_logits_are_formed_as_asked_for(data, monkeypatch):
    """So that the comparisons above compare what they say."""
    used: list[str] = []
    for module, name in ((cross_entropy, "whole"), (linear_cross_entropy, "chunks")):
        values = module.row_values
        monkeypatch.setattr(module, "row_values", lambda *w, values=values, name=name: used.append(name) or values(*w))
    for words, expected in ((WHOLE, {"whole"}), (CHUNKS, {"chunks"})):
        used.clear()
        Setting(data, *words, architecture=[*SMALL_TRANSFORMER, *SHARED]).losses()
        assert set(used) == expected


def refused(data: Path, *words: str, architecture: list[str]) -> str:
    with pytest.raises(ValueError) as error:
        Setting(data, *words, architecture=architecture).losses()
    return str(error.value)


def test_an_adaptive_softmax_is_refused(data):
    words = [*SMALL_TRANSFORMER, "--adaptive-softmax-cutoff", "20,40"]
    assert refused(data, *WHOLE, architecture=words) == (
        "The model must have a plain softmax, but has an adaptive softmax instead: "
        "use --criterion adaptive_loss for it, with --ddp-backend legacy_ddp."
    )


def test_what_is_recommended_for_an_adaptive_softmax_works(data, tmp_path):
    words = [*SMALL_TRANSFORMER, "--adaptive-softmax-cutoff", "20,40", "--share-decoder-input-output-embed"]
    train(data, tmp_path, *words, "--criterion", "adaptive_loss", "--ddp-backend", "legacy_ddp", updates=2)


def test_a_task_that_calls_the_model_by_itself_is_refused_in_chunks(data):
    setting = Setting(data, *CHUNKS, architecture=SMALL_TRANSFORMER)
    with pytest.raises(ValueError) as error:
        setting.criterion.compute_loss(setting.model, (torch.zeros(1, 1, 9), None), {"target": torch.ones(1, 1)})
    assert str(error.value) == (
        "`--loss-chunk-tokens` must be 0 for a task that calls the model by itself, such as translation_moe."
    )


def test_other_probabilities_are_refused(data, monkeypatch):
    setting = Setting(data, *WHOLE, architecture=SMALL_TRANSFORMER)
    monkeypatch.setattr(setting.model.decoder, "get_normalized_probs", lambda output, log_probs, sample: output[0])
    with pytest.raises(ValueError) as error:
        setting.losses()
    assert str(error.value) == (
        "The model must have a plain softmax, but TransformerModel computes its probabilities in another way: "
        "use --criterion label_smoothed_cross_entropy for it."
    )


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_chunks_are_refused_where_there_are_no_features(data, name):
    model = {"lstm": "LSTMModel", "fconv": "FConvModel", "transformer_align": "TransformerAlignModel"}[name]
    assert refused(data, *CHUNKS, architecture=["--arch", name, *ARCHITECTURES[name].split()]) == (
        f"`--loss-chunk-tokens` must be 0 for this {model}, which does not return features for one linear "
        "`output_projection` whose parameters are at hand."
    )


def test_a_chunk_below_0_is_refused(data):
    assert refused(data, *WHOLE, "--loss-chunk-tokens", "-1", architecture=SMALL_TRANSFORMER) == (
        "`--loss-chunk-tokens` must be at least 0, but is -1 instead."
    )
