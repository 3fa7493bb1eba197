"""`--fast-dropout` in fairseq's trainings."""

from __future__ import annotations

import pytest
import torch
from fairseq.modules.fairseq_dropout import FairseqDropout
from fairseq_training import ON_CPU, SHARED, SMALL_TRANSFORMER, configuration, same_parameters, train

from sse_nmt.adapters.dropout.installation import FastDropout
from sse_nmt.tasks.translation_sse import TranslationSSETask


def build(toy_data, tmp_path, *words: str) -> torch.nn.Module:
    config = configuration(toy_data / "bin", tmp_path, *SMALL_TRANSFORMER, *SHARED, *words)
    return TranslationSSETask.setup_task(config.task).build_model(config.model)


def test_every_dropout_is_replaced_if_asked_for_and_keeps_its_settings(toy_data, tmp_path):
    plain = dict(build(toy_data, tmp_path, "--attention-dropout", "0.3").named_modules())
    fast = dict(build(toy_data, tmp_path, "--attention-dropout", "0.3", "--fast-dropout").named_modules())
    dropouts = {name for name, module in plain.items() if isinstance(module, FairseqDropout)}
    assert len(dropouts) > 5 and not any(isinstance(module, FastDropout) for module in plain.values())
    for name in dropouts:
        assert isinstance(fast[name], FastDropout)
        assert fast[name].p == plain[name].p and fast[name].module_name == plain[name].module_name


def test_drops_in_training_only_unless_retained():
    x = torch.ones(1000)
    dropout = FastDropout(0.25, "Encoder")
    assert (dropout.train()(x) == 0).any()
    assert dropout.eval()(x) is x
    dropout.make_generation_fast_("encoder", retain_dropout=True)
    assert (dropout(x) == 0).any()


@pytest.mark.slow
@pytest.mark.skipif(not ON_CPU, reason="on a GPU the masks are torch's")
def test_trains_with_other_masks_and_resumes_bit_equal(toy_data, tmp_path):
    data = toy_data / "bin"
    fast = train(data, tmp_path / "fast", "--fast-dropout", updates=12)
    assert not same_parameters(fast, train(data, tmp_path / "plain", updates=12))
    train(data, tmp_path / "resumed", "--fast-dropout", updates=7)
    assert same_parameters(fast, train(data, tmp_path / "resumed", "--fast-dropout", updates=12))
