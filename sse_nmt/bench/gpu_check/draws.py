"""What perturbs look-ups: the right distribution, seeded, without waiting; its kernels and its time."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial

import torch
from scipy.stats import chisquare
from torch import Tensor

from sse_nmt.bench.gpu_check.device import kernels, no_waiting
from sse_nmt.bench.gpu_check.findings import Finding
from sse_nmt.bench.timing import Spread, interleaved
from sse_nmt.methods.counter_stream import CounterStream
from sse_nmt.methods.noise import NOISES, make_noise
from sse_nmt.methods.perturbation import Perturbation
from sse_nmt.methods.sse import GraphTransition, KnowledgeGraph, UniformTransition
from sse_nmt.methods.sse.counted_draw import counted_in_torch

PART = "draw"
_SPECIAL = 4
_ROWS = 50  # of the distribution that is counted out
_PROB = 0.2
_DRAWS = 2_000_000
_LEVEL = 1e-4  # of the χ² test: one honest check in ten thousand fails
_WIDTH = 512  # of the vectors
_SENTENCES = 16  # in a batch
_CALLS = 50  # in a row, so that the host's start-up does not count

Source = torch.Generator | CounterStream


def _generator(device: torch.device, seed: int) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


# How a task draws on a GPU, and how everything else does.
_WAYS: dict[str, Callable[[torch.device, int], Source]] = {"by counting": CounterStream, "from a generator": _generator}


def check_draws(
    device: torch.device, vocab_size: int, tokens: tuple[int, ...], rounds: int, seed: int
) -> Iterator[Finding]:
    for name, transition in _transitions(_ROWS, _PROB, seed).items():
        for way, source in _WAYS.items():
            yield _distribution(f"{name}, {way}", transition.to(device), partial(source, device, seed))
        yield _kernel(name, transition, device, seed)
    for name, transition in _transitions(vocab_size, 0.01, seed).items():
        for way, source in _WAYS.items():
            for count in tokens:
                ids = torch.randint(vocab_size, (1, count), device=device)
                yield _cost(f"{name}, {way}", transition.to(device), ids, rounds, source(device, seed))
    for name, noise in _noises(vocab_size, seed).items():
        for count in tokens:
            ids = torch.randint(vocab_size, (_SENTENCES, count // _SENTENCES), device=device)
            yield _noise_cost(name, noise.to(device), ids, rounds, seed)


def _transitions(rows: int, prob: float, seed: int) -> dict[str, UniformTransition]:
    candidates = range(_SPECIAL, rows)
    generator = torch.Generator().manual_seed(seed)
    sources = torch.arange(_SPECIAL, rows).repeat_interleave(5)
    others = torch.randint(rows - _SPECIAL - 1, sources.shape, generator=generator) + _SPECIAL
    weights = 1.0 - torch.rand(sources.shape, generator=generator)
    graph = KnowledgeGraph.from_edges(rows, sources, others + (others >= sources), weights)
    return {
        "SSE-SE": UniformTransition(rows, prob, candidates),
        "SSE-Graph": GraphTransition(rows, prob, graph, candidates, neighbour_mass=0.5),
    }


def _noises(rows: int, seed: int) -> dict[str, Perturbation]:
    counts = torch.randint(1, 1000, (rows,), generator=torch.Generator().manual_seed(seed))
    return {
        kind: make_noise(
            kind,
            None,
            rows,
            range(_SPECIAL, rows),
            padding_idx=1,
            counts=counts if kind == "unigram" else None,
            mask=_SPECIAL - 1 if kind == "mask" else None,
        )
        for kind in NOISES
    }


def _distribution(name: str, transition: UniformTransition, source: Callable[[], Source]) -> Finding:
    """Counts of what one id turns into, against eq. (3) or (5); what is special stays; the same seed draws the same."""
    id_ = _SPECIAL + 1
    device = transition.candidates.device
    drawn = transition.sample(torch.full((_DRAWS,), id_, device=device), source())
    expected = transition.probabilities()[id_] * _DRAWS
    counts = torch.bincount(drawn.cpu(), minlength=_ROWS).double()
    possible = expected > 0
    outside = int(counts[~possible].sum())
    p = float(chisquare(counts[possible].numpy(), expected[possible].numpy()).pvalue)
    special = torch.arange(_SPECIAL, device=device).repeat(10_000)
    kept = torch.equal(transition.sample(special, source()), special)
    again = torch.equal(transition.sample(torch.full_like(drawn, id_), source()), drawn)
    return Finding(
        PART, f"{name}: χ² of {_DRAWS:,} draws", outside == 0 and p > _LEVEL and kept and again,
        {"p": p, "special ids": "kept" if kept else "lost", "same seed": "same" if again else "differs"},
    )  # fmt: skip


def _kernel(name: str, transition: UniformTransition, device: torch.device, seed: int) -> Finding:
    """The kernel must draw and count what the torch form on the CPU does, and so it must with other sizes."""
    same, on_cpu = True, copy.deepcopy(transition).cpu()
    for shape in ((1, 1), (3, 1024), (31, 797)):
        ids = torch.randint(_ROWS, shape, generator=torch.Generator().manual_seed(seed))
        streams = [CounterStream(torch.device(place), seed) for place in ("cpu", device)]
        for _ in range(2):
            drawn = transition.sample(ids.to(device), streams[1]).cpu()
            same &= torch.equal(drawn, counted_in_torch(on_cpu, ids, streams[0]))
            same &= torch.equal(streams[1].state.cpu(), streams[0].state)
    return Finding(PART, f"{name}: the kernel and torch, bit for bit", same, {"draws": "same" if same else "differ"})


def _cost(name: str, transition: UniformTransition, ids: Tensor, rounds: int, source: Source) -> Finding:
    if isinstance(source, CounterStream):
        with no_waiting():  # as before and after each micro-batch
            source.begin(1)
            source.take_replaced()
    sample = partial(transition.sample, ids, source)
    return Finding(PART, f"{name}: {ids.numel():,} ids", True, _measured(sample, ids.device, rounds))


def _noise_cost(name: str, noise: Perturbation, ids: Tensor, rounds: int, seed: int) -> Finding:
    """Of ids and their vectors, without the look-up between them; the same seed must perturb the same."""
    vectors = torch.ones(*ids.shape, _WIDTH, device=ids.device)

    def perturb(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return noise.perturb_ids(ids, generator), noise.perturb_vectors(vectors, ids, generator)

    first, again = (perturb(_generator(ids.device, seed)) for _ in range(2))
    same = all(map(torch.equal, first, again))
    perturbed = partial(perturb, _generator(ids.device, seed))
    values = {"same seed": "same" if same else "differs"} | _measured(perturbed, ids.device, rounds)
    return Finding(PART, f"{name}: {ids.numel():,} ids", same, values)


def _measured(call: Callable[[], object], device: torch.device, rounds: int) -> dict[str, float | str]:
    """Kernels and time of a call; raises where it makes the host wait."""
    call()
    with no_waiting():
        call()
    (seconds,) = interleaved([lambda: [call() for _ in range(_CALLS)]], rounds)
    return {
        "kernels": kernels(call, device),
        "µs a call": f"{Spread.of([second / _CALLS * 1e6 for second in seconds]):.1f}",
        "waits": "none",
    }
