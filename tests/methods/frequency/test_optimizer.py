"""Steps by hand, rows that stay, checkpoints, and the base rules."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from sse_nmt.methods.frequency import FrequencyAwareSGD

FA = {"rule": "fa", "frequencies": [0.5, 0.32, 0.18], "alpha": 6.0, "horizon": 50, "eta_max": 1.75}
CF = {"rule": "cf", "alpha": 6.0, "eta_max": 5.0}


def table_of_ones(dtype: torch.dtype = torch.float32) -> nn.Parameter:
    return nn.Parameter(torch.ones(3, 2, dtype=dtype))


def look_up(optimizer: FrequencyAwareSGD, table: nn.Parameter, rows: list[int], sparse: bool = False) -> None:
    """One update whose loss is the sum of the vectors looked up."""
    optimizer.zero_grad()
    nn.functional.embedding(torch.tensor(rows), table, sparse=sparse).sum().backward()
    optimizer.step()


def test_fa_by_hand():
    """T p = 25, 16, 9, so α / √(T p) = 6/5, 6/4, 6/3, the last one above η_max."""
    table = table_of_ones()
    optimizer = FrequencyAwareSGD([{"params": [table], **FA}])
    table.grad = torch.tensor([[1.0, -1.0], [0.5, 2.0], [-1.0, 0.0]])
    optimizer.step()
    by_hand = [[1 - 1.2, 1 + 1.2], [1 - 0.75, 1 - 3.0], [1 + 1.75, 1.0]]
    torch.testing.assert_close(table.data, torch.tensor(by_hand))


def test_cf_by_hand():
    """Counters before use: row 0 is looked up four times, row 2 twice in one update, row 1 never."""
    table = table_of_ones()
    optimizer = FrequencyAwareSGD([{"params": [table], **CF}])
    for rows in ([0, 2, 2], [0], [0], [0]):
        look_up(optimizer, table, rows)
    assert optimizer.state[table]["row_counts"].tolist() == [4, 0, 1]
    row_0 = 1 - (5 + 6 / math.sqrt(2) + 6 / math.sqrt(3) + 3)  # α / √1 = 6 is above η_max
    torch.testing.assert_close(table.data, torch.tensor([[row_0] * 2, [1.0] * 2, [1 - 2 * 5.0] * 2]))


def test_a_row_counts_if_any_number_of_its_gradient_is_not_0():
    table = nn.Parameter(torch.ones(6, 2))
    optimizer = FrequencyAwareSGD([{"params": [table], **CF}])
    table.grad = torch.tensor([[0.0, 1.0], [-1.0, 0.0], [0.0, 0.0], [1e-45, 0.0], [math.nan, 0.0], [-0.0, 0.0]])
    optimizer.step()
    assert optimizer.state[table]["row_counts"].tolist() == [1, 1, 0, 1, 1, 0]


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("options", [FA, CF], ids=["fa", "cf"])
def test_rows_not_looked_up_keep_their_bits(options, sparse):
    table = nn.Parameter(torch.tensor([[0.1, -0.0], [1e-42, math.inf], [0.3, math.nan]]))
    before = table.detach().clone().view(torch.int32)
    look_up(FrequencyAwareSGD([{"params": [table], **options}]), table, [0], sparse)
    kept = table.detach().view(torch.int32) == before
    assert kept.tolist() == [[False, False], [True, True], [True, True]]


@pytest.mark.parametrize("options", [FA, CF], ids=["fa", "cf"])
def test_dense_and_sparse_gradients_agree(options):
    tables = [nn.Parameter(torch.linspace(-1, 1, 6).view(3, 2)) for _ in range(2)]
    for table, sparse in zip(tables, (False, True), strict=True):
        optimizer = FrequencyAwareSGD([{"params": [table], **options}])
        for rows in ([0, 1, 1], [2], [0, 0], [1]):
            look_up(optimizer, table, rows, sparse)
            assert table.grad.is_sparse == sparse
        if options is CF:
            assert optimizer.state[table]["row_counts"].tolist() == [2, 2, 1]
    assert torch.equal(*tables)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("options", [FA, CF], ids=["fa", "cf"])
def test_two_micro_batches_are_one_batch(options, sparse):
    one, two = table_of_ones(), table_of_ones()
    optimizers = [FrequencyAwareSGD([{"params": [table], **options}]) for table in (one, two)]
    look_up(optimizers[0], one, [0, 1, 0], sparse)
    for rows in ([0, 1], [0]):
        nn.functional.embedding(torch.tensor(rows), two, sparse=sparse).sum().backward()
    optimizers[1].step()
    assert torch.equal(one, two)
    if options is CF:
        assert (
            optimizers[1].state[two]["row_counts"].tolist()
            == optimizers[0].state[one]["row_counts"].tolist()
            == [1, 1, 0]
        )


def test_state_is_of_the_order_of_the_rows():
    tables = [nn.Parameter(torch.randn(3, 512)) for _ in range(2)]
    optimizer = FrequencyAwareSGD([{"params": [tables[0]], **FA}, {"params": [tables[1]], **CF}])
    for table in tables:
        look_up(optimizer, table, [0, 1])
    numbers = [
        sum(value.numel() if torch.is_tensor(value) else 1 for value in state.values())
        for state in (optimizer.state[table] for table in tables)
    ]
    assert numbers == [0, 3]


@pytest.mark.parametrize("options", [FA, CF], ids=["fa", "cf"])
def test_a_dense_update_never_waits_for_the_device(options):
    """On the meta device whatever needs the numbers themselves fails: `.item()`, `nonzero`, shapes from data."""
    table = nn.Parameter(torch.ones(3, 2, device="meta"))
    optimizer = FrequencyAwareSGD([{"params": [table], **options}])
    table.grad = torch.ones(3, 2, device="meta")
    optimizer.step()
    with pytest.raises((NotImplementedError, RuntimeError)):
        table.grad.any(1).nonzero()


def test_a_scheduler_scales_the_steps_of_all_rows():
    table = table_of_ones()
    optimizer = FrequencyAwareSGD([{"params": [table], **FA}])
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda update: 0.5)
    look_up(optimizer, table, [0, 1, 2])
    scheduler.step()
    torch.testing.assert_close(table.data, 1 - 0.5 * torch.tensor([[1.2], [1.5], [1.75]]).expand(3, 2))


def test_one_cycle_leaves_the_largest_step_alone():
    table = table_of_ones()
    optimizer = FrequencyAwareSGD([{"params": [table], **CF}])
    torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=[1.0], total_steps=10, cycle_momentum=False)
    assert optimizer.param_groups[0]["eta_max"] == 5.0


def test_a_closure_is_called_with_gradients_on():
    table = table_of_ones()
    optimizer = FrequencyAwareSGD([{"params": [table], **CF}])

    def closure():
        loss = nn.functional.embedding(torch.tensor([1]), table).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 2.0
    assert table[1].tolist() == [-4.0, -4.0]


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        ("sgd", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
        ("sgd", {"lr": 0.1}),
        ("adam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.01}),
        ("adam", {"amsgrad": True}),
        ("adamw", {"lr": 0.01, "betas": (0.8, 0.95), "weight_decay": 0.1}),
    ],
)
def test_the_base_rules_are_torchs_own_bit_for_bit(rule, options):
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))
    twin, x = copy.deepcopy(model), torch.randn(4, 5)
    ours = FrequencyAwareSGD([{"params": model.parameters(), "rule": rule, **options}])
    theirs = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[rule](
        twin.parameters(), **options
    )
    for _ in range(5):
        for network, optimizer in ((model, ours), (twin, theirs)):
            optimizer.zero_grad()
            network(x).square().sum().backward()
            optimizer.step()
    assert all(torch.equal(*pair) for pair in zip(model.parameters(), twin.parameters(), strict=True))


class Scorer(nn.Module):
    """A table under CF, one under FA, layers under Adam and SGD."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.words, self.tags = nn.Embedding(20, 4), nn.Embedding(3, 4)
        self.hidden, self.output = nn.Linear(4, 4), nn.Linear(4, 1)

    def forward(self, ids):
        return self.output(self.hidden(self.words(ids) + self.tags(ids % 3)).tanh())

    def optimizer(self) -> FrequencyAwareSGD:
        return FrequencyAwareSGD(
            [
                {"params": self.words.weight, **CF, "alpha": 0.1},
                {"params": self.tags.weight, **FA, "alpha": 0.1},
                {"params": self.hidden.parameters(), "rule": "adam"},
                {"params": self.output.parameters(), "rule": "sgd", "lr": 0.1, "momentum": 0.9},
            ]
        )

    def train_on(self, optimizer: FrequencyAwareSGD, batches: torch.Tensor) -> None:
        for ids in batches:
            optimizer.zero_grad()
            self(ids).square().sum().backward()
            optimizer.step()


def test_resumed_is_unbroken_bit_for_bit(tmp_path):
    batches = torch.randint(20, (12, 5), generator=torch.Generator().manual_seed(2))
    unbroken = Scorer()
    optimizer = unbroken.optimizer()
    unbroken.train_on(optimizer, batches)

    first = Scorer()
    stopped = first.optimizer()
    first.train_on(stopped, batches[:6])
    torch.save({"model": first.state_dict(), "optimizer": stopped.state_dict()}, tmp_path / "checkpoint.pt")
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    second = Scorer()
    resumed = second.optimizer()
    second.load_state_dict(saved["model"])
    resumed.load_state_dict(saved["optimizer"])
    assert torch.equal(
        resumed.state[second.words.weight]["row_counts"], stopped.state[first.words.weight]["row_counts"]
    )
    second.train_on(resumed, batches[6:])

    pairs = zip(unbroken.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
    assert torch.equal(
        resumed.state[second.words.weight]["row_counts"], optimizer.state[unbroken.words.weight]["row_counts"]
    )


def test_a_copy_goes_on_alike():
    model = Scorer()
    optimizer = model.optimizer()
    batches = torch.randint(20, (4, 5), generator=torch.Generator().manual_seed(2))
    model.train_on(optimizer, batches[:2])
    twin, its_optimizer = copy.deepcopy((model, optimizer))
    model.train_on(optimizer, batches[2:])
    twin.train_on(its_optimizer, batches[2:])
    assert all(torch.equal(*pair) for pair in zip(model.parameters(), twin.parameters(), strict=True))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_counters_are_exact_whatever_the_type_of_the_table(dtype):
    """A counter of float16 would stay at 2048, one of float32 at 2^24."""
    table = table_of_ones(dtype)
    optimizer = FrequencyAwareSGD([{"params": [table], **CF}])
    look_up(optimizer, table, [0])
    assert table[0].tolist() == [-4.0, -4.0]
    optimizer.state[table]["row_counts"][0] = 2**24 + 1
    saved = optimizer.state_dict()
    resumed = FrequencyAwareSGD([{"params": [table], **CF}])
    resumed.load_state_dict(saved)
    look_up(resumed, table, [0])
    assert resumed.state[table]["row_counts"].tolist() == [2**24 + 2, 0, 0]
    assert optimizer.state[table]["row_counts"].tolist() == [2**24 + 1, 0, 0]


def test_another_optimisers_state_is_refused():
    table = table_of_ones()
    optimizer = FrequencyAwareSGD([{"params": [table], **CF}])
    with pytest.raises(ValueError) as error:
        optimizer.load_state_dict(torch.optim.SGD([table]).state_dict())
    assert str(error.value) == "`state_dict` must be of the rules ['cf'], but is of [None] instead."
