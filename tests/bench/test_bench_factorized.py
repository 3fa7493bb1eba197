"""What Frobenius decay costs and low rank saves: the tables are read back, and held against what they are about."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch
from conftest import sse_nmt

from sse_nmt.bench.factorized import DECAYS, SCALES, bench_factorized, steps_with_either_decay, trainers, translation
from sse_nmt.bench.options import FactorizedOptions
from sse_nmt.system.errors import UserError

SMALL = FactorizedOptions(embed_dim=32, layers=1, heads=2, vocab_size=200, tokens=200, rounds=2, sentences=3, length=5)
WORDS = [w for n in SMALL.__dataclass_fields__ for w in (f"--{n.replace('_', '-')}", str(getattr(SMALL, n)))]


@pytest.mark.slow
def test_the_tables():
    done = sse_nmt("bench", "factorized", *WORDS)
    assert done.returncode == 0, done.stderr
    found = re.findall(r"^(\S.*?) +([\d,.]+) \[.*?\] +([\d.]+) \[", done.stdout, re.MULTILINE)
    assert [name for name, _, _ in found] == [*DECAYS, *SCALES, *SCALES]
    assert all(float(value.replace(",", "")) > 0 and float(ratio) > 0 for _, value, ratio in found)
    counts = dict(re.findall(r"^(plain|rank scale [\d.]+) +([\d,]+) +[\d.]+$", done.stdout, re.MULTILINE))
    numbers = {name: int(count.replace(",", "")) for name, count in counts.items()}
    ffn, table = 32 * 128, 200 * 32
    for scale, name in ((0.5, "rank scale 0.5"), (0.25, "rank scale 0.25")):
        rank = int(scale * 32)
        saved = 4 * (ffn - rank * (32 + 128)) + table - rank * (200 + 32)
        assert numbers["plain"] - numbers[name] == saved


def test_the_variants_are_what_they_are_called():
    """The same model, of which one is decayed by its products."""
    made = trainers(DECAYS, SMALL)
    one, other = made.values()
    assert all(torch.equal(p, q) for p, q in zip(one.model.parameters(), other.model.parameters(), strict=True))
    assert [trainer.task.cfg.frobenius_decay for trainer in made.values()] == [0.0, 1e-4]
    assert [trainer.cfg.optimizer.weight_decay for trainer in made.values()] == [1e-4, 1e-4]


@pytest.mark.parametrize("name", SCALES)
def test_translations_have_the_length_that_is_asked_for(name):
    hypotheses = translation(trainers({name: SCALES[name]}, SMALL)[name], SMALL)()
    assert [len(found[0]["tokens"]) for found in hypotheses] == [6] * 3  # five and the end


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("heads", 3, "`--embed-dim` must be a multiple of 3, but is 32 instead."),
        ("rounds", 1, "`--rounds` must be at least 2, but is 1 instead."),
        ("tokens", 100, "`--tokens` must be at least 120, but is 100 instead."),
    ],
)
def test_what_cannot_be_measured_is_refused(name, value, sentence):
    with pytest.raises(UserError) as error:
        bench_factorized(replace(SMALL, **{name: value}))
    assert str(error.value) == sentence


@pytest.mark.slow
@pytest.mark.alone
def test_frobenius_decay_costs_little_of_a_step_at_width_512():
    """On a machine that others use as well, one good measurement in three will do."""
    wide = replace(FactorizedOptions(), layers=1, vocab_size=1000, rounds=3)

    def median() -> float:
        first, second = steps_with_either_decay(wide).values()
        return sorted(b / a for a, b in zip(first, second, strict=True))[len(first) // 2]

    assert any(median() < 1.05 for _ in range(3))
