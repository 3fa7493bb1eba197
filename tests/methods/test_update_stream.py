"""The streams: a function of seed, update, rank and side."""

from __future__ import annotations

import itertools

import torch
from two_processes import in_two_processes

from sse_nmt.methods.update_stream import UpdateStream

CPU = torch.device("cpu")


def first_numbers(seed: int, update: int, side: str) -> tuple[float, ...]:
    stream = UpdateStream(seed, side)
    stream.set_num_updates(update)
    return tuple(torch.rand(4, generator=stream.on(CPU)).tolist())


def test_every_seed_update_and_side_has_its_own_stream():
    streams = [first_numbers(*key) for key in itertools.product((1, 2), range(50), ("encoder", "decoder", "label"))]
    assert len(set(streams)) == len(streams)
    assert first_numbers(1, 7, "encoder") == first_numbers(1, 7, "encoder")


def test_only_a_new_number_begins_a_new_stream():
    stream = UpdateStream(1, "encoder")
    stream.set_num_updates(3)
    first = torch.rand(4, generator=stream.on(CPU))
    stream.set_num_updates(3)
    second = torch.rand(4, generator=stream.on(CPU))
    assert not torch.equal(first, second)
    stream.set_num_updates(4)
    stream.set_num_updates(3)
    assert torch.equal(torch.rand(4, generator=stream.on(CPU)), first)


def test_two_ranks_draw_differently(tmp_path):
    """Two processes over gloo, each telling the first numbers of its stream."""
    code = (
        "import torch\n"
        "from sse_nmt.methods.update_stream import UpdateStream\n"
        "numbers = torch.rand(4, generator=UpdateStream(1, 'encoder').on(torch.device('cpu')))\n"
        "both = [torch.zeros(4), torch.zeros(4)]\n"
        "distributed.all_gather(both, numbers)\n"
        "print(torch.equal(*both))\n"
    )
    for done in in_two_processes(code, tmp_path):
        assert done.stdout.strip() == "False", done.stderr
