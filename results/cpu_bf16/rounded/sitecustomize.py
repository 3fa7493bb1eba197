"""Products of bfloat16 matrices on a processor as float32 products, rounded: PYTHONPATH=$PWD/results/cpu_bf16/rounded

That is what a processor with AMX computes (exact products of bfloat16, sums in float32, one rounding), but for the
order of the sums. torch's own way on others takes too long for a training. Python imports this file by its name;
a training is started in its run folder, so the path has to be a whole one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch

_OPERATORS = ("mm", "mm.out", "addmm", "addmm.out", "bmm", "bmm.out", "baddbmm")


def _rounded(original: Any) -> Callable[..., torch.Tensor]:
    def product(keys: Any, *arguments: Any, **named: Any) -> torch.Tensor:
        if arguments[-1].dtype != torch.bfloat16:
            return original.call_boxed(keys, *arguments, **named)
        wide = [each.float() if isinstance(each, torch.Tensor) else each for each in arguments]
        output = named.pop("out", None)
        if output is None:
            return original.call_boxed(keys, *wide, **named).bfloat16()
        return output.copy_(original.call_boxed(keys, *wide, **named, out=torch.empty(output.shape)))

    return product


library = torch.library.Library("aten", "IMPL")  # the operators are torch's own again when it goes
with warnings.catch_warnings(action="ignore"):  # they are replaced on purpose
    for _name in _OPERATORS:
        _original = torch.library.get_kernel(f"aten::{_name}", "CPU")
        library.impl(_name, _rounded(_original), "CPU", with_keyset=True, allow_override=True)
