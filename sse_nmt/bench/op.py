"""`sse-nmt bench op`: what one call of the perturbation costs."""

from __future__ import annotations

import random
import statistics
from functools import partial

import torch
from torch import Tensor

from sse_nmt.bench.graph_op import SPECIAL, graph_table
from sse_nmt.bench.options import OpOptions
from sse_nmt.bench.timing import Spread, interleaved
from sse_nmt.methods.sse import UniformTransition
from sse_nmt.system.options import check_options

ROWS = (8_000, 32_000, 1_000_000)


def bench_op(options: OpOptions) -> None:
    """Print milliseconds of ``UniformTransition.sample``, ``ids.clone()`` and a Python loop, for several V.

    With ``graph`` instead those of ``GraphTransition.sample`` beside it.
    """
    check_options(options)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(options.seed)
    print(
        f"{options.ids:,} ids, p0 = {options.prob}, seed {options.seed}, {device}, {torch.get_num_threads()} threads, "
        f"median [quartiles] of {options.repeats} calls in turn{'' if options.graph else ' (loop: 3)'}"
    )
    if options.graph:
        print(graph_table(options, device))
        return
    print(f"{'V':>9}  {'sample, ms':>22}  {'clone, ms':>22}  {'loop, ms':>9}  {'loop / sample':>13}")
    for rows in ROWS:
        transition = UniformTransition(rows, options.prob, range(SPECIAL, rows)).to(device)
        ids = torch.randint(rows, (options.ids,), device=device)
        sample, clone = interleaved([partial(transition.sample, ids), ids.clone], options.repeats)
        (loop,) = interleaved([partial(python_loop, ids.cpu(), rows, options.prob)], 3)
        ratio = statistics.median(loop) / statistics.median(sample)
        print(
            f"{rows:>9,}  {_ms(sample):>22}  {_ms(clone):>22}  {statistics.median(loop) * 1e3:>9.1f}  {ratio:>12.0f}x"
        )


def python_loop(ids: Tensor, rows: int, prob: float) -> Tensor:
    """The same distribution, an id at a time, as one would first write it."""
    draw = random.random
    out = []
    for i in ids.tolist():
        if i >= SPECIAL and draw() < prob:
            k = random.randrange(SPECIAL, rows - 1)
            i = k + (k >= i)
        out.append(i)
    return torch.tensor(out)


def _ms(seconds: list[float]) -> str:
    return f"{Spread.of([second * 1e3 for second in seconds]):.3f}"
