"""Mistakes in a configuration, each with the sentence that names it."""

from __future__ import annotations

from argparse import Namespace

import pytest
from conftest import ROOT
from fairseq import utils

from sse_nmt.adapters.configuration_check import check_configuration
from sse_nmt.adapters.first_cause import first_cause
from sse_nmt.system.errors import UserError
from sse_nmt.system.user_dir import USER_DIR
from sse_nmt.training.configuration import run_configuration

CONFIGS = sorted(path for path in (ROOT / "configs").rglob("*.yaml") if path.parent.name != "studies")
MEANT = {
    "task.sse_prop=0.1": ("task.sse_prop", "task.sse_prob"),
    "model.encoder_layer=3": ("model.encoder_layer", "model.encoder_layers"),
    "optimisation.lr=[1]": ("optimisation", "optimization"),
    "dataset.max_token=3": ("dataset.max_token", "dataset.max_tokens"),
    "common.sed=1": ("common.sed", "common.seed"),
}
_ONE = "must be one that fairseq knows, but is"
MISTAKES = {
    mistake: f"`{key}` must be a key that fairseq knows, but is none (is `{meant}` meant?)."
    for mistake, (key, meant) in MEANT.items()
} | {
    "optimizer._name=adamx": f"`optimizer._name` {_ONE} 'adamx' (is `adamax` meant?).",
    "model._name=transformr": f"`model._name` {_ONE} 'transformr' (is `transformer` meant?).",
    "task._name=x": f"`task._name` {_ONE} 'x'",
    "optimization.lr=0.001": "`optimization.lr` cannot be 0.001: ",
    "criterion.label_smoothing=abc": "`criterion.label_smoothing` cannot be 'abc': Value 'abc' of type 'str' could not",
    "task.sse_prob=[1]": "`task.sse_prob` cannot be [1]: ",
}


@pytest.fixture(autouse=True)
def ours_is_known() -> None:
    utils.import_user_module(Namespace(user_dir=USER_DIR))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_our_configurations_are_right(config, tmp_path):
    (tmp_path / "graph.npz").touch()
    check_configuration(run_configuration(config, tmp_path, 1, 10, []))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named(mistake, tmp_path):
    configuration = run_configuration(ROOT / "configs/quickstart/sse_se.yaml", tmp_path, None, None, [mistake])
    with pytest.raises(UserError) as error:
        check_configuration(configuration)
    assert str(error.value).startswith(MISTAKES[mistake])


def chained(*errors: Exception) -> Exception:
    """As Python chains them: each was raised while the one before was handled."""
    for before, after in zip(errors, errors[1:], strict=False):
        after.__context__ = before
    return errors[-1]


@pytest.mark.parametrize(
    ("errors", "sentence"),
    [
        (
            [FloatingPointError("gradients are Nan/Inf"), StopIteration()],
            "FloatingPointError: gradients are Nan/Inf: lower",
        ),
        ([ValueError("first")], "ValueError: first"),
        ([KeyError("x"), ValueError("`x` must be there")], "ValueError: `x` must be there"),
        (
            [RuntimeError("size mismatch"), Exception("Cannot load")],
            "Exception: Cannot load (RuntimeError: size mismatch)",
        ),
        ([Exception("Process 0\nTraceback (most recent call last):\n  x\nValueError: y")], "ValueError: y"),
        ([RuntimeError()], "RuntimeError"),
        (
            [AssertionError("Sentences lengths should not exceed max_tokens=3")],
            "AssertionError: Sentences lengths should not exceed max_tokens=3: raise `dataset.max_tokens`",
        ),
    ],
)
def test_the_first_cause_is_said(errors, sentence):
    assert first_cause(chained(*errors)).startswith(sentence)
