"""The comparison of training steps compares the same work on the same batches."""

from __future__ import annotations

import os
import re

import pytest
import torch
from conftest import sse_nmt
from fairseq.data import LanguagePairDataset

from sse_nmt.bench import fairseq_step, loss_step, peers, train
from sse_nmt.bench.batches import synthetic_batches
from sse_nmt.bench.benchmark import Measurements, own, run_benchmark
from sse_nmt.bench.fairseq_setting import dictionary
from sse_nmt.bench.options import TrainStepOptions
from sse_nmt.bench.step_server import EOS, PAD, SPECIALS, StepSpec, TokenBatch, load_batches, peak_memory, save_batches
from sse_nmt.bench.timing import Spread
from sse_nmt.bench.train import BASE, bench_train, variants
from sse_nmt.system.errors import UserError


@pytest.fixture(scope="module")
def batches() -> list[TokenBatch]:
    return synthetic_batches(vocab_size=60, tokens=200, count=3, seed=1)


def spec(**words) -> StepSpec:
    return StepSpec(**{"vocab_size": 60, "embed_dim": 8, "layers": 1, "batches": "", **words})


def test_batches_are_sentences_that_end_and_then_padding(batches):
    assert len(batches) == 3
    for pair in batches:
        assert len(pair.source) == len(pair.target)
        for ids in (pair.source, pair.target):
            assert ids.numel() <= 200 and ids.max() < 60
            ends = ids.eq(EOS)
            assert (ends.sum(1) == 1).all() and torch.equal(ids.eq(PAD), (ends.cumsum(1) - ends.long()) > 0)
            assert ids[~ends & ids.ne(PAD)].min() >= SPECIALS


def test_batches_are_seeded_and_survive_the_file(batches, tmp_path):
    save_batches(tmp_path / "batches.npz", batches)
    again = synthetic_batches(vocab_size=60, tokens=200, count=3, seed=1)
    other = synthetic_batches(vocab_size=60, tokens=200, count=3, seed=2)
    for one, two, three, four in zip(batches, load_batches(tmp_path / "batches.npz"), again, other, strict=True):
        for same in (two, three):
            assert torch.equal(one.source, same.source) and torch.equal(one.target, same.target)
        assert one.source.shape != four.source.shape or not torch.equal(one.source, four.source)


def test_fairseq_gets_what_its_collater_would_have_made(batches):
    entries = dictionary(60)
    for pair in batches:
        source, target = ([row[row.ne(PAD)] for row in ids] for ids in (pair.source, pair.target))
        sizes = [torch.tensor([len(row) for row in rows]).numpy() for rows in (source, target)]
        dataset = LanguagePairDataset(source, sizes[0], entries, target, sizes[1], entries)
        expected = dataset.collater([dataset[i] for i in range(len(source))])
        found = fairseq_step._sample(pair)
        order = expected["id"]
        assert found["ntokens"] == expected["ntokens"]
        assert torch.equal(found["target"][order], expected["target"])
        for name, value in expected["net_input"].items():
            assert torch.equal(found["net_input"][name][order], value), name


@pytest.mark.slow
def test_every_variant_of_fairseq_trains_the_same_model(batches):
    """The same size and, but for SSE and dropout, the same first loss."""
    made = {name: fairseq_step.make(name, spec(dropout=0.0), batches) for name in fairseq_step.VARIANTS}
    assert len({variant.parameters for variant in made.values()}) == 1
    losses = {name: variant.step(0) for name, variant in made.items()}
    ours = [loss for name, loss in losses.items() if name != "fairseq"]
    assert ours == pytest.approx([ours[0]] * len(ours), rel=1e-3)
    assert ours[0] == pytest.approx(losses["fairseq"], rel=0.05)
    falling = made["fairseq"]
    assert [falling.step(0) for _ in range(20)][-1] < losses["fairseq"]


def test_every_form_of_the_loss_is_the_same(batches):
    values = []
    for variant in loss_step.VARIANTS:
        torch.manual_seed(1)
        values.append([loss_step.make(variant, spec(), batches).step(i) for i in range(3)])
    assert values[1] == pytest.approx(values[0]) and values[2] == pytest.approx(values[0])


def test_speed_up_is_taken_round_by_round():
    def measured(*seconds: float) -> Measurements:
        return Measurements("", 1, list(seconds), [0.0], 0)

    assert measured(1, 2, 4).speed_up(measured(2, 4, 4)) == Spread(1.5, 2.0, 2.0)
    assert measured(1, 2, 4).rate([10, 30, 20]) == 10


def test_peak_memory_is_that_of_the_process():
    before = peak_memory()
    torch.ones(50_000_000).sum()
    assert peak_memory() >= before and peak_memory() > 150 * 2**20


@pytest.mark.slow
def test_a_variant_that_ends_is_named_with_its_last_words(tmp_path):
    with pytest.raises(UserError) as error:
        run_benchmark({"nobody": own("loss_step", "nobody")}, spec(batches=str(tmp_path / "none.npz")), 1, 2, "")
    assert re.match(
        r"nobody ended with status 1 before its steps did: FileNotFoundError: .*none\.npz", str(error.value)
    )


@pytest.mark.slow
@pytest.mark.parametrize("starts", [1, 2])
def test_each_start_trains_a_new_model_for_its_share_of_the_rounds(batches, tmp_path, starts):
    save_batches(tmp_path / "batches.npz", batches)
    asked = spec(batches=str(tmp_path / "batches.npz"))
    measured = run_benchmark({BASE: own("fairseq_step", BASE)}, asked, 3, 6, "", starts)[BASE]
    assert len(measured.seconds) == 6
    first, later = measured.losses[0], measured.losses[3]  # of the same batch
    assert later == pytest.approx(first, rel=1e-6) if starts == 2 else later < first - 1e-3, (first, later)


@pytest.mark.slow
def test_the_table_of_losses(capsys):
    done = sse_nmt("bench", "loss", "--vocab-size", "4000", "--embed-dim", "16", "--tokens", "3000", "--rounds", "2")
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^(\S.*?) {2,}([\d,]+) +([\d.]+) \[([\d.]+), ([\d.]+)\] +([\d,]+) ", done.stdout, re.MULTILINE)
    assert [row[0] for row in rows] == list(loss_step.VARIANTS)
    assert rows[0][2:5] == ("1.000",) * 3
    peaks = [int(row[5].replace(",", "")) for row in rows]
    matrix = 4000 * 3000 * 4 / 2**20
    assert peaks[0] - peaks[1] > 1.5 * matrix, "fairseq holds at least two matrices more than the fused loss"
    assert peaks[1] - peaks[2] > 0.5 * matrix


@pytest.mark.slow
def test_the_table_of_trainings(capsys, monkeypatch):
    """With two of the variants: each costs a start of fairseq."""
    some = {name: command for name, command in variants().items() if name in (BASE, "ours, chunks, fast dropout")}
    monkeypatch.setattr(train, "variants", lambda: dict(some))
    bench_train(TrainStepOptions(sizes="60x8", layers=1, tokens=100, batches=2, rounds=2, starts=1))
    printed = capsys.readouterr().out
    assert printed.startswith("V = 60, width 8, 1 + 1 layers; at most 100 tokens a batch, ")
    assert printed.splitlines()[0].endswith(", 2 rounds in turn, median [quartiles], starts: 1")
    assert len(some) == 2
    for name in some:
        assert re.search(rf"^{name} +[\d,]+ +[\d.]+ \[[\d.]+, [\d.]+\] ", printed, re.MULTILINE)


def test_an_installed_peer_is_not_installed_again(tmp_path, monkeypatch):
    peer = peers.PEERS["Eole"]
    (tmp_path / "eole").mkdir()
    (tmp_path / "eole" / "installed").write_text(peers.requirements_of(peer), encoding="utf-8")
    monkeypatch.setattr(peers, "run_child", lambda *words: pytest.fail("installed again"))
    assert peers._environment("Eole", peer, tmp_path) == tmp_path / "eole" / "bin" / "python"


@pytest.mark.slow
def test_a_peer_that_cannot_be_installed_is_said_so(tmp_path):
    with pytest.raises(UserError) as error:
        peers._environment("Eole", peers.Peer("peer_eole", ("--no-such-option",)), tmp_path)
    assert str(error.value).startswith("Eole could not be installed: ")


@pytest.mark.skipif("SSE_NMT_PEERS" not in os.environ, reason="SSE_NMT_PEERS names no folder for Eole and JoeyNMT")
def test_peers_train_models_of_the_same_size(capsys):
    """Gigabytes to install: only where asked for."""
    bench_train(
        TrainStepOptions(sizes="60x8", layers=1, tokens=100, batches=2, rounds=2, peers=os.environ["SSE_NMT_PEERS"])
    )
    rows = re.findall(r"^(\S.*?) {2,}.*\] +[\d,]+ +([\d,]+) +(.*)$", capsys.readouterr().out, re.MULTILINE)
    sizes = {name: int(parameters.replace(",", "")) for name, parameters, _ in rows}
    assert {"Eole", "JoeyNMT"} < sizes.keys()
    assert all(size == pytest.approx(sizes["fairseq"], rel=0.05) for size in sizes.values())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (TrainStepOptions(rounds=1), "`--rounds` must be at least 2, but is 1 instead."),
        (
            TrainStepOptions(sizes="8000"),
            "`--sizes` must be vocabulary x width, separated by commas, with at least 8 tokens and a width that is a "
            "multiple of 4, but is '8000' instead.",
        ),
    ],
)
def test_what_cannot_be_raced_is_refused(options, sentence):
    with pytest.raises(UserError) as error:
        bench_train(options)
    assert str(error.value) == sentence
