"""No core is left over, and cells have cores of their own as far as there are enough."""

from __future__ import annotations

import os

import pytest

from sse_nmt.studies.slots import slots


@pytest.fixture(params=[2, 16])
def cores(request, monkeypatch) -> set[int]:
    ours = set(range(3, 3 + request.param))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: ours, raising=False)
    return ours


@pytest.mark.parametrize("jobs", [1, 2, 5, 10, 16, 40])
def test_all_cores_are_shared_out(cores, jobs):
    shares = [slot.processors for slot in slots(jobs, 100)]
    assert len(shares) == jobs and set().union(*shares) == cores and all(shares)
    if jobs <= len(cores):
        assert sum(map(len, shares)) == len(cores)
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_no_more_slots_than_there_is_work(cores):
    assert len(slots(8, 3)) == 3
