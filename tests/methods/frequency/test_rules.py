"""What a group of parameters must say."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from sse_nmt.methods.frequency import FrequencyAwareSGD

P = [0.5, 0.3, 0.2]


def group(rule: str, **changes) -> dict:
    options = {"params": [nn.Parameter(torch.ones(3, 2))], "rule": rule, "alpha": 1.0, "eta_max": 2.0}
    if rule == "fa":
        options |= {"frequencies": P, "horizon": 100}
    return {name: value for name, value in {**options, **changes}.items() if value is not None}


def test_frequencies_are_copied_and_lr_is_one():
    given = torch.tensor(P)
    made = FrequencyAwareSGD([group("fa", frequencies=given)]).param_groups[0]
    given.zero_()
    assert torch.equal(made["frequencies"], torch.tensor(P)) and made["lr"] == 1.0


def test_the_group_given_stays_as_it_was():
    given = group("cf")
    before = dict(given)
    FrequencyAwareSGD([given])
    assert given == before


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_parameters_may_be_a_generator_or_one_tensor(rule):
    layer = nn.Linear(2, 2)
    assert len(FrequencyAwareSGD([{"params": layer.parameters(), "rule": rule}]).param_groups[0]["params"]) == 2
    assert len(FrequencyAwareSGD([{"params": layer.weight, "rule": rule}]).param_groups[0]["params"]) == 1


@pytest.mark.parametrize(
    ("refused", "sentence"),
    [
        (group("rmsprop"), "`rule` must be one of 'fa', 'cf', 'sgd', 'adam', 'adamw', but is 'rmsprop' instead."),
        ({"params": []}, "`rule` must be one of 'fa', 'cf', 'sgd', 'adam', 'adamw', but is None instead."),
        (group("fa", horizon=None), "`horizon` must be given for rule 'fa', but is missing."),
        (group("cf", eta_max=None), "`eta_max` must be given for rule 'cf', but is missing."),
        (group("cf", momentum=0.9), "Rule 'cf' must have no options but its own, but has `momentum`."),
        (group("cf", frequencies=P), "Rule 'cf' must have no options but its own, but has `frequencies`."),
        (group("cf", alpha=0), "`alpha` must be finite and above 0, but is 0 instead."),
        (group("fa", horizon=-1), "`horizon` must be finite and above 0, but is -1 instead."),
        (group("fa", eta_max=math.inf), "`eta_max` must be finite and above 0, but is inf instead."),
        (group("cf", alpha=math.nan), "`alpha` must be finite and above 0, but is nan instead."),
        (group("cf", lr=-1.0), "`lr` must be finite and at least 0, but is -1.0 instead."),
        (group("cf", params=[]), "`params` of rule 'cf' must hold a table, but are empty."),
        (
            group("cf", params=[nn.Parameter(torch.ones(3))]),
            "`params` of rule 'cf' must be matrices, but one has shape (3,) instead.",
        ),
        (
            group("fa", frequencies=[0.5, 0.5]),
            "`frequencies` must hold one number a row, 3, but have shape (2,) instead.",
        ),
        (
            group("fa", frequencies=[1.5, -0.5, 0.0]),
            "`frequencies` must be finite and at least 0, but -0.5 is among them.",
        ),
        (
            group("fa", frequencies=[0.5, math.nan, 0.5]),
            "`frequencies` must be finite and at least 0, but nan is among them.",
        ),
        (
            group("fa", frequencies=[5, 3, 2]),
            "`frequencies` must sum to 1, to within 0.001, but sum to 10 instead.",
        ),
    ],
)
def test_refusals(refused, sentence):
    with pytest.raises(ValueError) as error:
        FrequencyAwareSGD([refused])
    assert str(error.value) == sentence


def test_options_that_torch_does_not_know_are_refused_by_torch():
    with pytest.raises(TypeError, match="unexpected keyword argument 'alpha'"):
        FrequencyAwareSGD([{"params": [nn.Parameter(torch.ones(2))], "rule": "sgd", "alpha": 1.0}])
    with pytest.raises(ValueError, match="Invalid momentum value"):
        FrequencyAwareSGD([{"params": [nn.Parameter(torch.ones(2))], "rule": "sgd", "momentum": -1.0}])
