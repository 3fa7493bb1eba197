"""Every variant of the kernel as machine code of GPUs that need not be there."""

from __future__ import annotations

import itertools

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from sse_nmt.methods.sse.triton_draw import _draw

TARGETS = {"cubin": GPUTarget("cuda", 80, 32), "hsaco": GPUTarget("hip", "gfx942", 64)}
POINTERS = ("ids", "drawn", "state", "ranks", "candidates", "starts", "neighbours", "near", "thresholds", "aliases")

if __name__ == "__main__":
    for (code, target), in_range, kind in itertools.product(TARGETS.items(), (True, False), ("", "graph", "weights")):
        constants = {"RANGE": in_range, "GRAPH": kind != "", "WEIGHTS": kind == "weights", "BLOCK": 1024}
        types = {name: "*i64" if name in POINTERS[:6] or not kind else "*i32" for name in POINTERS}
        signature = {name: types.get(name, "constexpr" if name in constants else "i32") for name in _draw.arg_names}
        made = triton.compile(ASTSource(_draw, signature, constexprs=constants), target=target)
        assert len(made.asm[code]) > 1000, (target, constants)
    print("every case")
