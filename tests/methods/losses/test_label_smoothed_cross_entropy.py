"""Both forms of the loss against the formula written out, and what they may hold in memory meanwhile."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from sse_nmt.methods.losses import SmoothedLoss, label_smoothed_cross_entropy, linear_label_smoothed_cross_entropy

PAD = 1
ROWS, LABELS, WIDTH = 23, 17, 5
Loss = Callable[..., SmoothedLoss]


def on_logits(features: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, **words: Any) -> SmoothedLoss:
    logits = F.linear(features, weight, bias)
    return label_smoothed_cross_entropy(logits, target, 0.1, ignore_index=PAD, **words)


def overwriting(*tensors: Any, **words: Any) -> SmoothedLoss:
    return on_logits(*tensors, overwrite=True, **words)


def in_chunks(size: int) -> Loss:
    def loss(features: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, **words: Any) -> SmoothedLoss:
        return linear_label_smoothed_cross_entropy(
            features, weight, bias, target, 0.1, chunk=size, ignore_index=PAD, **words
        )

    return loss


FORMS = {"logits": on_logits, "overwriting": overwriting, **{f"chunk {n}": in_chunks(n) for n in (1, 7, 23, 100)}}
forms = pytest.mark.parametrize("loss", FORMS.values(), ids=FORMS)
with_or_without_bias = pytest.mark.parametrize("bias", [False, True], ids=["no bias", "bias"])


def example(dtype: torch.dtype = torch.float64, bias: bool = True, seed: int = 1) -> tuple[Tensor, ...]:
    """Features, weight, bias (or None), target with some padding."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()

    target = torch.randint(LABELS, (ROWS,), generator=generator)
    target[::6] = PAD
    return random(ROWS, WIDTH), random(LABELS, WIDTH), random(LABELS) if bias else None, target


def written_out(features: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, epsilon: float) -> SmoothedLoss:
    """A row at a time: the gold label has 1 - ε, every other label its share of ε."""
    losses, nlls, correct = [], [], []
    for x, gold in zip(features.double(), target.tolist(), strict=True):
        logits = [x @ row.double() + (0 if bias is None else bias[k].double()) for k, row in enumerate(weight)]
        highest = max(float(z) for z in logits)
        log_total = highest + sum((z - highest).exp() for z in logits).log()
        log_p = [z - log_total for z in logits]
        share = [1 - epsilon if k == gold else epsilon / (LABELS - 1) for k in range(LABELS)]
        counts = float(gold != PAD)
        losses.append(-counts * sum(q * lp for q, lp in zip(share, log_p, strict=True)))
        nlls.append(-counts * log_p[gold])
        correct.append(gold != PAD and float(log_p[gold]) == max(map(float, log_p)))
    return SmoothedLoss(torch.stack(losses), torch.stack(nlls), torch.tensor(correct))


def gradients(loss: Tensor, *tensors: Tensor | None) -> list[Tensor]:
    return list(torch.autograd.grad(loss, [tensor for tensor in tensors if tensor is not None]))


def relative(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected.double()).norm() / expected.double().norm())


@forms
@with_or_without_bias
@pytest.mark.parametrize("reduce", [True, False])
def test_equals_the_formula_written_out(loss, bias, reduce):
    *tensors, target = example(bias=bias)
    expected = written_out(*tensors, target, 0.1)
    found = loss(*tensors, target, reduce=reduce, with_correct=True)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other.sum() if reduce else other, rtol=1e-12, atol=1e-12)
    upstream = torch.ones(()) if reduce else torch.linspace(-1, 2, ROWS, dtype=torch.float64)
    ours = gradients((found.loss * upstream).sum() * 3, *tensors)
    for one, other in zip(ours, gradients((expected.loss * upstream).sum() * 3, *tensors), strict=True):
        assert relative(one, other) < 1e-10


@pytest.mark.parametrize("loss", [on_logits, in_chunks(7)], ids=["logits", "in chunks"])
@pytest.mark.parametrize("reduce", [True, False])
def test_gradients_by_finite_differences(loss, reduce):
    *tensors, target = example()
    assert torch.autograd.gradcheck(lambda *t: loss(*t, target, reduce=reduce).loss, tensors, nondet_tol=1e-12)


@forms
def test_float32_is_as_exact_as_the_type_allows(loss):
    *tensors, target = example(torch.float32)
    expected = written_out(*tensors, target, 0.1)
    found = loss(*tensors, target)
    assert relative(found.loss, expected.loss.sum()) < 1e-6 and relative(found.nll, expected.nll.sum()) < 1e-6
    for one, other in zip(gradients(found.loss, *tensors), gradients(expected.loss.sum(), *tensors), strict=True):
        assert one.dtype == torch.float32 and relative(one, other) < 1e-6


@pytest.mark.parametrize("offset", [-3000.0, 3000.0])
def test_logits_far_from_0_cost_no_precision(offset):
    logits = torch.randn(ROWS, 1000, generator=torch.Generator().manual_seed(1)).mul(3).add(offset)
    target = torch.arange(ROWS)
    log_p = logits.double().log_softmax(-1)
    others = 0.1 / 999
    expected = -(1 - 0.1 - others) * log_p[target, target].sum() - others * log_p.sum()
    assert relative(label_smoothed_cross_entropy(logits, target, 0.1).loss, expected) < 1e-6


def test_confident_logits_do_not_underflow():
    """A gold label 300 below the likeliest one has probability 0 in float32, and a loss of 300."""
    logits = torch.zeros(1, 4)
    logits[0, 0] = 300.0
    assert label_smoothed_cross_entropy(logits, torch.tensor([2]), 0.0).loss == 300.0


@forms
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 2e-3), (torch.bfloat16, 2e-2)])
def test_half_precision_is_computed_in_float32(loss, dtype, tolerance):
    *tensors, target = example(dtype)
    exact = [tensor.detach().double().requires_grad_() for tensor in tensors]
    found, expected = loss(*tensors, target), written_out(*exact, target, 0.1)
    assert found.loss.dtype == torch.float32
    assert relative(found.loss, expected.loss.sum()) < tolerance
    for one, other in zip(gradients(found.loss, *tensors), gradients(expected.loss.sum(), *exact), strict=True):
        assert one.dtype == dtype and relative(one, other) < tolerance


@pytest.mark.parametrize("loss", [on_logits, in_chunks(7)], ids=["logits", "in chunks"])
def test_the_gradient_of_the_loss_is_not_rounded_to_half_precision(loss):
    """The bfloat16 nearest to 1.19 is 1.1875."""
    *tensors, target = example(torch.bfloat16)
    factor = 1.19
    once, more = (gradients(loss(*tensors, target).loss * by, tensors[1])[0].double() for by in (1.0, factor))
    assert float((once * more).sum() / (once * once).sum()) == pytest.approx(factor, abs=8e-4)


@pytest.mark.parametrize("loss", [overwriting, in_chunks(7)], ids=["overwriting", "in chunks"])
def test_a_loss_scale_saves_small_gradients_in_float16(loss):
    """Many labels of small probability: without the scale most gradients of their rows would be 0."""
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(8, WIDTH, generator=generator).half().requires_grad_()
    weight = torch.randn(40_000, WIDTH, generator=generator).half().requires_grad_()
    target = torch.randint(2, 40_000, (8,), generator=generator)
    scale = 2.0**14
    found = gradients(loss(features, weight, None, target).loss * scale, weight)[0].double() / scale
    exact = weight.detach().double().requires_grad_()
    expected = F.linear(features.detach().double(), exact).log_softmax(-1)
    others = 0.1 / (40_000 - 1)
    gold = -(1 - 0.1 - others) * expected.gather(1, target[:, None]).sum()
    assert relative(found, gradients(gold - others * expected.sum(), exact)[0]) < 5e-3


@pytest.mark.parametrize("loss", [on_logits, in_chunks(7)], ids=["logits", "in chunks"])
def test_autocast_multiplies_in_its_type_and_leaves_the_gradients_in_theirs(loss):
    *tensors, target = example(torch.float32)
    expected = written_out(*tensors, target, 0.1).loss.sum()
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(*tensors, target).loss
    assert found.dtype == torch.float32 and 1e-6 < relative(found, expected) < 2e-2
    for one, other in zip(gradients(found, *tensors), gradients(expected, *tensors), strict=True):
        assert one.dtype == torch.float32 and relative(one, other) < 3e-2


class LargestTensor(TorchDispatchMode):
    """The most numbers that any operation has put into new memory."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0
        self.products = 0

    def __torch_dispatch__(self, function: Any, types: Any, words: Any = (), names: Any = None) -> Any:
        out = function(*words, **(names or {}))
        inputs = {t.untyped_storage().data_ptr() for t in (*words, *(names or {}).values()) if isinstance(t, Tensor)}
        for tensor in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(tensor, Tensor) and tensor.untyped_storage().data_ptr() not in inputs:
                self.numbers = max(self.numbers, tensor.untyped_storage().nbytes() // tensor.element_size())
        self.products += "mm" in str(function)
        return out


def large(rows: int, labels: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(rows, width, generator=generator, requires_grad=True)
    weight = torch.randn(labels, width, generator=generator, requires_grad=True)
    return features, weight, torch.randint(2, labels, (rows,), generator=generator)


@pytest.mark.parametrize("reduce", [True, False])
def test_chunks_bound_what_exists_at_a_time(reduce):
    features, weight, target = large(600, 2000, 4)
    with LargestTensor() as largest:
        in_chunks(50)(features, weight, None, target, reduce=reduce).loss.sum().backward()
    assert largest.numbers == 50 * 2000


def test_overwritten_logits_exist_once(monkeypatch):
    monkeypatch.setattr("sse_nmt.methods.losses.cross_entropy._BLOCK", {"cpu": 100_000})
    features, weight, target = large(600, 2000, 4)
    logits = F.linear(features, weight)
    with LargestTensor() as largest:
        loss = label_smoothed_cross_entropy(logits, target, 0.1, overwrite=True).loss
        (gradient,) = torch.autograd.grad(loss, logits)
    assert largest.numbers == 100_000
    assert gradient.data_ptr() == logits.data_ptr()


def test_nothing_is_computed_for_a_gradient_that_nobody_wants():
    features, weight, target = large(60, 200, 4)
    for wanted in (True, False):
        with torch.set_grad_enabled(wanted), LargestTensor() as largest:
            in_chunks(20)(features, weight, None, target)
        assert largest.products == (9 if wanted else 3)
    with LargestTensor() as largest:
        in_chunks(20)(features.detach(), weight, None, target).loss.backward()
    assert largest.products == 6


def test_logits_that_others_need_are_not_overwritten_behind_their_back():
    features, weight, target = large(10, 20, 4)
    probabilities = F.linear(features, weight).softmax(-1)
    loss = label_smoothed_cross_entropy(probabilities, target, 0.1, overwrite=True).loss
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("loss", [on_logits, in_chunks(7)], ids=["logits", "in chunks"])
def test_a_graph_may_go_backward_twice(loss):
    *tensors, target = example()
    found = loss(*tensors, target).loss
    once = torch.autograd.grad(found, tensors, retain_graph=True)
    assert all(torch.equal(a, b) for a, b in zip(once, gradients(found, *tensors), strict=True))


@forms
def test_only_padding(loss):
    *tensors, target = example()
    found = loss(*tensors, torch.full_like(target, PAD), with_correct=True)
    assert [float(value) for value in found] == [0.0, 0.0, 0.0]
    assert all((gradient == 0).all() for gradient in gradients(found.loss, *tensors))


@forms
def test_no_rows(loss):
    features, weight, bias, target = example()
    found = loss(features[:0], weight, bias, target[:0]).loss
    assert float(found) == 0.0 and (gradients(found, weight)[0] == 0).all()


@forms
def test_not_a_number_is_not_hidden(loss):
    features, weight, bias, target = example()
    features.data[2] = math.nan
    assert math.isnan(loss(features, weight, bias, target).loss)


def test_ignored_labels_may_be_out_of_range():
    logits = torch.randn(3, 5, dtype=torch.float64)
    target = torch.tensor([2, -100, 4])
    expected = F.cross_entropy(logits, target, reduction="sum")
    torch.testing.assert_close(label_smoothed_cross_entropy(logits, target, 0.0).loss, expected)
    weight = torch.randn(5, 2, dtype=torch.float64)
    features = torch.randn(3, 2, dtype=torch.float64)
    expected = F.cross_entropy(F.linear(features, weight), target, reduction="sum")
    torch.testing.assert_close(
        linear_label_smoothed_cross_entropy(features, weight, None, target, 0.0, chunk=2).loss, expected
    )


def test_what_cannot_be_meant_is_refused():
    logits, target = torch.zeros(3, 5, requires_grad=True), torch.zeros(3, dtype=torch.long)

    def refused(sentence: str, *words: Any, **names: Any) -> None:
        with pytest.raises(ValueError) as error:
            label_smoothed_cross_entropy(*words, **names)
        assert str(error.value) == sentence

    refused("`epsilon` must be in [0, 1], but is 1.5 instead.", logits, target, 1.5)
    refused("`epsilon` must be in [0, 1], but is nan instead.", logits, target, math.nan)
    refused(
        "`target` must hold one label for each row of a matrix, but the shapes are (2,) and (3, 5).",
        logits,
        target[:2],
        0.1,
    )
    refused("There must be at least two labels to choose from, but there are 1 instead.", logits[:, :1], target, 0.1)
    refused(
        "`logits` must be computed from others to be overwritten, but are a leaf.", logits, target, 0.1, overwrite=True
    )
    with pytest.raises(ValueError) as error:
        linear_label_smoothed_cross_entropy(logits, logits, None, target, 0.1, chunk=0)
    assert str(error.value) == "`chunk` must be at least 1, but is 0 instead."


@forms
def test_an_impossible_label_costs_nothing_without_smoothing(loss):
    """A logit of -inf, as masks make them."""
    bias = torch.zeros(LABELS, dtype=torch.float64)
    bias[3] = -math.inf
    features, weight, _, target = example()
    target = target.where(target != 3, torch.tensor(4))
    expected = F.cross_entropy(F.linear(features, weight, bias), target, ignore_index=PAD, reduction="sum")
    size = {"chunk 1": 1, "chunk 7": 7, "chunk 23": 23}.get(
        next(name for name, form in FORMS.items() if form is loss), 100
    )
    logits = F.linear(features, weight, bias)
    for found in (
        label_smoothed_cross_entropy(logits, target, 0.0, ignore_index=PAD),
        linear_label_smoothed_cross_entropy(features, weight, bias, target, 0.0, chunk=size, ignore_index=PAD),
    ):
        assert torch.allclose(found.loss, expected) and torch.allclose(found.nll, expected)


def test_the_cases_of_fairseq_s_own_test_on_a_model_of_logits():
    """Padding or not, ε 0 or 0.1: sums over rows are the sum of what each row gives by itself."""
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(6, 9, generator=generator, dtype=torch.float64)
    target = torch.tensor([4, 5, PAD, 6, 4, PAD])
    for epsilon in (0.0, 0.1):
        whole = label_smoothed_cross_entropy(logits, target, epsilon, ignore_index=PAD)
        each = label_smoothed_cross_entropy(logits, target, epsilon, ignore_index=PAD, reduce=False)
        alone = [label_smoothed_cross_entropy(logits[i : i + 1], target[i : i + 1], epsilon).loss for i in (0, 1, 3, 4)]
        assert torch.allclose(whole.loss, each.loss.sum()) and torch.allclose(whole.loss, torch.stack(alone).sum())
        assert torch.allclose(whole.nll, F.cross_entropy(logits, target, ignore_index=PAD, reduction="sum"))
