"""Every kind of draw by Triton's interpreter and in torch; with TRITON_INTERPRET=1 in the environment."""

from __future__ import annotations

import torch
from counted import CANDIDATES, ROWS, transitions

from sse_nmt.methods.counter_stream import CounterStream
from sse_nmt.methods.sse.counted_draw import counted_in_torch
from sse_nmt.methods.sse.triton_draw import launch

if __name__ == "__main__":
    ids = torch.randint(-1, ROWS, (5, 391), generator=torch.Generator().manual_seed(2))  # -1 is no row
    for candidates in CANDIDATES:
        for prob in (0.3, 1.0):
            for transition in transitions(candidates, prob).values():
                for each in (ids, ids.int().t()):
                    streams = [CounterStream(torch.device("cpu"), 2**62 + 12345) for _ in range(2)]
                    for _ in range(2):
                        expected = counted_in_torch(transition, each, streams[0])
                        drawn = launch(transition, each, streams[1].state)
                        assert torch.equal(drawn, expected) and drawn.dtype == each.dtype, (candidates, transition)
                        assert torch.equal(*(stream.state for stream in streams)), (candidates, transition)
    print("every case")
