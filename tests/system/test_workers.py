"""Work on several processes: in order, little of it ahead, and an end without those who do it."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator

import pytest

from sse_nmt.system.errors import UserError
from sse_nmt.system.workers import Workers

_factor = 0


def begin(factor: int) -> None:
    global _factor
    _factor = factor


def slowly(item: int) -> int:
    """The product, after a time that has nothing to do with the order."""
    time.sleep(random.Random(item).random() / 100)
    return item * _factor


def test_results_come_in_the_order_of_the_items():
    with Workers(begin, 3, count=3) as workers:
        assert list(workers.map(slowly, range(100))) == [3 * item for item in range(100)]
        assert list(workers.map(slowly, iter([7]))) == [21] and list(workers.map(slowly, [])) == []
    assert _factor == 0  # it began elsewhere


def test_few_items_are_taken_ahead():
    taken = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    with Workers(begin, 1, count=2) as workers:
        for done, result in enumerate(workers.map(slowly, items())):
            assert result == done and len(taken) <= done + 1 + 2 * 2
    assert len(taken) == 100


def fail_at_seven(item: int) -> int:
    if item == 7:
        raise UserError("seven")
    return item


def test_an_error_comes_out_where_its_result_would_have():
    received = []
    with Workers(begin, 1, count=2) as workers, pytest.raises(UserError, match=r"^seven$"):
        for result in workers.map(fail_at_seven, range(100)):
            received.append(result)
    assert received == list(range(7))


def be_killed(item: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_a_worker_that_is_killed():
    with Workers(begin, 1, count=2) as workers, pytest.raises(UserError) as error:
        list(workers.map(be_killed, range(100)))
    assert str(error.value) == "A worker process was killed, as systems do when memory runs out: start again."


def own_process(_: int) -> int:
    return os.getpid()


def test_no_worker_outlives_the_work():
    with Workers(begin, 1, count=2) as workers:
        processes = set(workers.map(own_process, range(50)))
        assert os.getpid() not in processes
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
