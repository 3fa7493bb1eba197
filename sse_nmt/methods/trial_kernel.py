"""The smallest kernel that shows whether Triton compiles and runs."""
# mypy: disallow-untyped-defs=false

from __future__ import annotations

import torch
import triton
import triton.language as tl


def trial(device: torch.device) -> bool:
    """Whether a kernel writes on ``device`` what it should; raises what Triton raises."""
    number = torch.zeros(1, device=device)
    with torch.cuda.device(number.get_device()):
        _write_one[(1,)](number)
    return float(number) == 1.0


@triton.jit
def _write_one(number):
    tl.store(number, 1.0)
