"""fa_sgd and cf_sgd in fairseq's training: steps by hand, schedules, counters in checkpoints, refusals."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq import tasks
from fairseq.data import Dictionary
from fairseq.optim import build_optimizer
from fairseq.optim.fp16_optimizer import FP16Optimizer
from fairseq_training import SHARED, SMALL_TRANSFORMER, configuration, same_parameters, train, train_in_two_processes
from torch.optim import AdamW

from sse_nmt.adapters.frequency.embedding_table import embedding_table
from sse_nmt.methods.frequency import FrequencyAwareSGD

TABLES = ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight"]
FA = ["--optimizer", "fa_sgd", "--frequency-alpha", "3"]
CF = ["--optimizer", "cf_sgd", "--frequency-alpha", "3", "--frequency-eta-max", "2"]
rules = pytest.mark.parametrize("words", [FA, CF], ids=["fa", "cf"])


@pytest.fixture(scope="module")
def data(toy_data: Path) -> Path:
    return toy_data / "bin"


def trained(data: Path, save: Path, *words: str, **settings: Any) -> dict[str, Any]:
    """With tables of their own on both sides."""
    return train(data, save, *SMALL_TRANSFORMER, "--sse-prob", "0", *words, **settings)


class Steps:
    """Parameters and gradients before every step, and parameters after it, table by table."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tables: list[list[tuple[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]]]] = []
        step = FrequencyAwareSGD.step

        def recorded(optimizer: FrequencyAwareSGD, *words: Any) -> Any:
            groups = optimizer.param_groups[1:]
            before = [
                (g["params"][0].detach().cpu().clone(), g["params"][0].grad.cpu().clone(), dict(g)) for g in groups
            ]
            result = step(optimizer, *words)
            after = [group["params"][0].detach().cpu().clone() for group in groups]
            self.tables.append([(p, g, a, options) for (p, g, options), a in zip(before, after, strict=True)])
            return result

        monkeypatch.setattr(FrequencyAwareSGD, "step", recorded)


def counts(data: Path, language: str, rows: int) -> list[int]:
    """How often each id stands in the training text, from the text itself rather than fairseq's binary form."""
    entries = [line.split()[0] for line in (data / f"dict.{language}.txt").read_text(encoding="utf-8").splitlines()]
    ids = {entry: 4 + number for number, entry in enumerate(entries)}
    found = [0] * rows
    text = (data.parent / "pieces" / f"train.{language}").read_text(encoding="utf-8")
    for line in text.splitlines():
        for piece in line.split():
            found[ids.get(piece, 3)] += 1
        found[2] += 1  # the sentence's end
    return found


def test_fa_steps_by_hand(data, tmp_path, monkeypatch):
    steps = Steps(monkeypatch)
    trained(data, tmp_path, *FA, "--frequency-eta-max", "8", updates=3)
    for side, language in enumerate(("en", "de")):
        before, gradient, after, _ = steps.tables[2][side]
        occurrences = counts(data, language, len(before))
        for row, count in enumerate(occurrences):
            eta = min(8.0, 3.0 / math.sqrt(3 * count / sum(occurrences))) if count else 8.0  # T is --max-update
            torch.testing.assert_close(after[row], before[row] - eta * gradient[row], rtol=1e-5, atol=1e-7)
        still = gradient.eq(0).all(1)
        assert 5 < still.sum() < len(still) - 20 and torch.equal(after[still], before[still])


def test_cf_steps_by_hand(data, tmp_path, monkeypatch):
    steps = Steps(monkeypatch)
    state = trained(data, tmp_path, *CF, updates=6)
    for side in range(2):
        seen = torch.zeros(len(steps.tables[0][side][0]))
        for update in steps.tables:
            before, gradient, after, _ = update[side]
            seen += gradient.ne(0).any(1)
            eta = (3.0 / seen.sqrt()).clamp(max=2.0)
            torch.testing.assert_close(after, before - eta[:, None] * gradient, rtol=1e-5, atol=1e-7)
        assert 2 < seen.max() <= 6
        saved = state["last_optimizer_state"]["state"]
        (counters,) = [
            s["row_counts"]
            for s in saved.values()
            if "row_counts" in s and torch.equal(s["row_counts"].float().cpu(), seen)
        ]
        assert counters.dtype == torch.long


@rules
def test_the_scheduler_scales_rows_as_it_scales_all_else(data, tmp_path, monkeypatch, words):
    steps = Steps(monkeypatch)
    schedule = ["--lr", "0.02", "--lr-scheduler", "inverse_sqrt", "--warmup-updates", "4", "--warmup-init-lr", "0"]
    trained(data, tmp_path, *words, *schedule, updates=8)
    factors = [update[0][3]["lr"] for update in steps.tables]
    expected = [0, 0.25, 0.5, 0.75, 1, math.sqrt(4 / 5), math.sqrt(4 / 6), math.sqrt(4 / 7)]
    assert factors == pytest.approx(expected)


def test_all_else_is_trained_by_adamw_or_sgd(data, tmp_path, monkeypatch):
    """adam is decoupled, as fairseq's; tables have no weight decay."""
    used = []
    step = AdamW.step
    monkeypatch.setattr(AdamW, "step", lambda optimizer, *w: used.append(optimizer.param_groups) or step(optimizer, *w))
    words = ["--weight-decay", "0.1", "--adam-betas", "(0.8, 0.9)", "--adam-eps", "1e-6"]
    trained(data, tmp_path / "adam", *CF, *words, updates=2)
    ((group,), _) = used
    assert (group["weight_decay"], group["betas"], group["eps"], group["lr"]) == (0.1, (0.8, 0.9), 1e-6, 0.01)
    words = ["--base-optimizer", "sgd", "--momentum", "0.5", "--weight-decay", "0.1"]
    state = trained(data, tmp_path / "sgd", *CF, *words, updates=2)["last_optimizer_state"]
    base, *tables = state["param_groups"]
    assert len(used) == 2 and (base["rule"], base["momentum"], base["weight_decay"]) == ("sgd", 0.5, 0.1)
    assert [len(group["params"]) for group in tables] == [1, 1] and not any("weight_decay" in g for g in tables)


@pytest.mark.slow
@rules
@pytest.mark.parametrize("frequency", ["1", "2"])
def test_resumed_is_bit_equal_to_unbroken(data, tmp_path, words, frequency):
    words = [*words, "--sse-prob", "0.1", "--update-freq", frequency, "--max-update", "40"]
    unbroken = trained(data, tmp_path / "unbroken", *words)
    trained(data, tmp_path / "resumed", *words, "--max-epoch", "1")
    resumed = trained(data, tmp_path / "resumed", *words)
    assert same_parameters(unbroken, resumed)
    one, other = (state["last_optimizer_state"]["state"] for state in (unbroken, resumed))
    assert all(torch.equal(one[i][key], other[i][key]) for i in one for key in one[i] if torch.is_tensor(one[i][key]))


def test_a_resumed_run_takes_the_options_it_is_given(data, tmp_path):
    trained(data, tmp_path, *CF, updates=4)
    words = ["--optimizer", "cf_sgd", "--frequency-alpha", "7", "--frequency-eta-max", "5", "--weight-decay", "0.2"]
    base, *tables = trained(data, tmp_path, *words, updates=6)["last_optimizer_state"]["param_groups"]
    assert [(g["alpha"], g["eta_max"]) for g in tables] == [(7.0, 5.0)] * 2 and base["weight_decay"] == 0.2


def test_two_processes_come_to_what_one_does(data, tmp_path):
    """A row counts if either of them looked it up."""
    words = [*CF, "--base-optimizer", "sgd", "--lr", "0.05", "--sse-prob", "0"]
    one = trained(data, tmp_path / "one", *words, "--dropout", "0", "--update-freq", "2", updates=4)["model"]
    two = train_in_two_processes(data, tmp_path / "two", *words, updates=4)
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, rtol=1e-3, atol=1e-4, msg=key)


def test_with_sse_the_rows_that_replace_are_stepped(data, tmp_path, monkeypatch):
    """An id that is replaced everywhere is not looked up."""
    steps = Steps(monkeypatch)
    trained(data, tmp_path, *CF, "--sse-prob", "1", updates=1)
    ((_, gradient, _, _), _) = steps.tables[0]
    rows = gradient.ne(0).any(1).nonzero().flatten()
    assert len(rows) > 10
    with_it = set(rows.tolist())
    steps.tables.clear()
    trained(data, tmp_path / "plain", *CF, updates=1)
    ((_, gradient, _, _), _) = steps.tables[0]
    assert set(gradient.ne(0).any(1).nonzero().flatten().tolist()) != with_it


def test_full_precision_copies_keep_the_tags(data, tmp_path):
    """--fp16, which on a CPU takes this option; on GPUs too, since fairseq would make one vector of all parameters."""
    state = trained(data, tmp_path, *FA, "--fp16", "--fp16-no-flatten-grads", updates=3)
    assert [group["rule"] for group in state["last_optimizer_state"]["param_groups"]] == ["adamw", "fa", "fa"]
    task = task_of(data, tmp_path, *CF)
    parameters = [p for p in task.build_model(task.model_cfg).parameters() if p.requires_grad]
    copies = FP16Optimizer.build_fp32_params(None, parameters, flatten=False)
    names = [embedding_table(copy).name for copy in copies if embedding_table(copy) is not None]
    assert names == ["encoder.embed_tokens", "decoder.embed_tokens"]


def task_of(data: Path, save: Path, *words: str, name: str = "translation_sse") -> Any:
    cfg = configuration(data, save, *SMALL_TRANSFORMER, *words, task=name)
    task = tasks.setup_task(cfg.task)
    task.model_cfg, task.optimizer_cfg = cfg.model, cfg.optimizer
    return task


REFUSED = [
    (
        [*CF, *SHARED],
        "`--optimizer cf_sgd` must have tables of their own, since an output layer has a gradient in every row, but "
        "that of `decoder.embed_tokens` is also in `decoder.output_projection`.",
    ),
    (
        [*FA, "--share-decoder-input-output-embed"],
        "`--optimizer fa_sgd` must have tables of their own, since an output layer has a gradient in every row, but "
        "that of `decoder.embed_tokens` is also in `decoder.output_projection`.",
    ),
    ([*FA, "--max-update", "0"], "`--optimizer fa_sgd` needs `--max-update`, the T of its steps, but that is 0."),
    ([*CF, "--base-optimizer", "lamb"], "`--base-optimizer` must be adam or sgd, but is 'lamb' instead."),
    ([*CF, "--frequency-alpha", "0"], "`--frequency-alpha` must be finite and above 0, but is 0.0 instead."),
    ([*CF, "--frequency-eta-max", "nan"], "`--frequency-eta-max` must be finite and above 0, but is nan instead."),
    ([*CF, "--lr", "0"], "`--lr` must be above 0 for --optimizer cf_sgd, but is 0.0 instead."),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_refusals(data, tmp_path, words, sentence):
    task = task_of(data, tmp_path, *words)
    model = task.build_model(task.model_cfg)
    with pytest.raises(ValueError) as error:
        build_optimizer(task.optimizer_cfg, list(model.parameters()))
    assert str(error.value) == sentence


def test_another_task_tags_no_tables(data, tmp_path):
    task = task_of(data, tmp_path, *CF, name="translation")
    with pytest.raises(ValueError) as error:
        build_optimizer(task.optimizer_cfg, list(task.build_model(task.model_cfg).parameters()))
    assert str(error.value) == (
        "`--optimizer cf_sgd` must be told of embedding tables, as `--task translation_sse` does, but is not."
    )


def test_frobenius_decay_is_refused_on_rows_with_steps_of_their_own(data, tmp_path):
    words = [*CF, "--low-rank-scale", "0.5", "--low-rank-layers", "embeddings", "--frobenius-decay", "0.1"]
    with pytest.raises(ValueError) as error:
        trained(data, tmp_path, *words, updates=1)
    assert str(error.value) == (
        "`--frobenius-decay` must not be on rows that have step sizes of their own, but "
        "`encoder.embed_tokens.table.weight` is among its factors: use --frobenius-pairs attention."
    )
    trained(data, tmp_path, *words, "--frobenius-pairs", "attention", updates=1)


def test_the_log_says_what_is_stepped_how(data, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        trained(data, tmp_path, *CF, updates=1)
    (encoder, decoder) = [message for message in caplog.messages if message.startswith("cf_sgd")]
    shape = f"({len(Dictionary.load(str(data / 'dict.en.txt')))}, 16)"
    start = f"cf_sgd on the rows of encoder.embed_tokens {shape}: alpha 3, steps of at most 2; adam on "
    assert encoder.startswith(start) and decoder.startswith(f"cf_sgd on the rows of decoder.embed_tokens {shape}")
