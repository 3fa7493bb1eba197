"""`--sort-by-longer-side` in fairseq's trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fairseq import tasks
from fairseq_training import SHARED, SMALL_TRANSFORMER, configuration, same_parameters, train
from omegaconf import open_dict

from sse_nmt.system.errors import OptionError

SORTED = "--sort-by-longer-side"
TOKENS = 200


def task_of(data: Path, *words: str) -> Any:
    return tasks.setup_task(configuration(data, Path("unused"), *SMALL_TRANSFORMER, *SHARED, *words).task)


def batches(data: Path, *words: str, split: str = "train") -> tuple[Any, list[Any]]:
    """The dataset, its lengths drawn anew so that the sides differ, and its batches."""
    task = task_of(data, *words)
    task.load_dataset(split)
    pairs, rng = task.dataset(split), np.random.default_rng(1)
    pairs.src_sizes = rng.integers(3, 40, len(pairs))
    pairs.tgt_sizes = np.maximum(3, pairs.src_sizes + rng.integers(-12, 13, len(pairs)))
    epoch = task.get_batch_iterator(pairs, max_tokens=TOKENS, seed=1, disable_iterator_cache=True)
    return pairs, list(epoch.frozen_batches)


def positions(pairs: Any, found: list[Any]) -> int:
    """Of both sides, padding included."""
    return sum(len(batch) * int(pairs.src_sizes[batch].max() + pairs.tgt_sizes[batch].max()) for batch in found)


def test_fewer_and_fuller_batches_of_the_same_pairs(toy_data):
    (pairs, plain), (_, ours) = batches(toy_data / "bin"), batches(toy_data / "bin", SORTED)
    assert sorted(np.concatenate(ours)) == sorted(np.concatenate(plain)) == list(range(len(pairs)))
    for batch in ours:
        assert len(batch) * max(pairs.src_sizes[batch].max(), pairs.tgt_sizes[batch].max()) <= TOKENS
    assert len(ours) < 0.9 * len(plain) and positions(pairs, ours) < 0.97 * positions(pairs, plain)


def test_validation_keeps_its_batches(toy_data):
    (_, plain), (_, ours) = (batches(toy_data / "bin", *words, split="valid") for words in ([], [SORTED]))
    assert all(np.array_equal(one, other) for one, other in zip(plain, ours, strict=True))


@pytest.mark.slow
def test_it_resumes_bit_equal(toy_data, tmp_path):
    data = toy_data / "bin"
    unbroken = train(data, tmp_path / "unbroken", SORTED, updates=12)
    train(data, tmp_path / "resumed", SORTED, updates=7)
    assert same_parameters(unbroken, train(data, tmp_path / "resumed", SORTED, updates=12))
    assert not same_parameters(unbroken, train(data, tmp_path / "plain", updates=12))


def test_buckets_are_refused(toy_data):
    config = configuration(toy_data / "bin", Path("unused"), *SMALL_TRANSFORMER, *SHARED, SORTED)
    with open_dict(config), pytest.raises(OptionError) as error:
        config.task.num_batch_buckets = 8
        tasks.setup_task(config.task)
    assert str(error.value) == (
        "`--num-batch-buckets` must be 0 with `--sort-by-longer-side`, but is 8 instead: buckets have an order of "
        "their own."
    )
