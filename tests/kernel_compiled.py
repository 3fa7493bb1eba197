"""Every variant of the kernels as machine code of GPUs that need not be there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from sse_nmt.methods.losses.triton_rows import BLOCK, WARPS, _rows
from sse_nmt.methods.sse.triton_draw import _draw

TARGETS = {"cubin": GPUTarget("cuda", 80, 32), "hsaco": GPUTarget("hip", "gfx942", 64)}
POINTERS = ("ids", "drawn", "state", "ranks", "candidates", "starts", "neighbours", "near", "thresholds", "aliases")
Variant = tuple[Any, dict[str, str], dict[str, Any]]  # kernel, types, constants


def draws() -> Iterator[Variant]:
    for in_range, kind in itertools.product((True, False), ("", "graph", "weights")):
        constants = {"RANGE": in_range, "GRAPH": kind != "", "WEIGHTS": kind == "weights", "BLOCK": 1024}
        types = {name: "*i64" if name in POINTERS[:6] or not kind else "*i32" for name in POINTERS}
        yield _draw, types, constants
    yield _draw, types | {"ids": "*i32", "drawn": "*i32", "chance": "i64"}, constants  # of a probability above 1/2


def losses() -> Iterator[Variant]:
    flags = ((True, False), (True, True), (False, True))
    for dtype, (values, gradient) in itertools.product(("fp32", "fp16", "bf16"), flags):
        types = dict.fromkeys(("logits", "gradient", "gold_logits"), f"*{dtype}") | {"target": "*i64", "correct": "*i1"}
        types |= dict.fromkeys(("scale", "nll", "smooth"), "*fp32") | dict.fromkeys(("others", "gold"), "fp32")
        yield _rows, types, {"VALUES": values, "GRADIENT": gradient, "CORRECT": values, "BLOCK": BLOCK}


if __name__ == "__main__":
    for (code, target), (kernel, types, constants) in itertools.product(TARGETS.items(), [*draws(), *losses()]):
        signature = {name: types.get(name, "constexpr" if name in constants else "i32") for name in kernel.arg_names}
        options = {"num_warps": WARPS if kernel is _rows else 4}
        made = triton.compile(ASTSource(kernel, signature, constexprs=constants), target=target, options=options)
        assert len(made.asm[code]) > 1000, (target, constants)
    print("every case")
