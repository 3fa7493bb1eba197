"""Two processes with different ids agree with each other, and with one process that has all of them."""

from __future__ import annotations

import pytest
from two_processes import in_two_processes

CODE = """
import torch
from torch import nn
from sse_nmt.methods.frequency import FrequencyAwareSGD, RowRecorder

def train(batches, with_ids, processes=1):
    torch.manual_seed(1)
    embedding = nn.Embedding(9, 2)
    recorder = RowRecorder(embedding) if with_ids else None
    optimizer = FrequencyAwareSGD([dict(params=[embedding.weight], rule='cf', alpha=0.25, eta_max=0.25)], recorder)
    for ids in batches:
        optimizer.zero_grad()
        embedding(ids).sum().backward()
        if processes > 1:
            distributed.all_reduce(embedding.weight.grad)
        optimizer.step()
    return embedding.weight.detach(), optimizer.state[embedding.weight]['row_counts']

batches = torch.randint(8, (6, 4), generator=torch.Generator().manual_seed(2))  # row 8 is never looked up
whole = [train(batches, with_ids) for with_ids in (False, True)]
mine = batches[:, 2 * rank : 2 * rank + 2]
for with_ids in (False, True):
    table, row_counts = train(mine, with_ids, 2)
    for value in (table, row_counts):
        both = [torch.zeros_like(value), torch.zeros_like(value)]
        distributed.all_gather(both, value)
        assert torch.equal(*both)
    torch.testing.assert_close(table, whole[with_ids][0])
    assert torch.equal(row_counts, whole[with_ids][1])
print(row_counts.tolist())
"""


@pytest.mark.slow
def test_two_processes_agree(tmp_path):
    first, second = in_two_processes(CODE, tmp_path)
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert first.stdout == second.stdout
