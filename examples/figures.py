"""Three pictures of matrix factorisation: where films lie, how training converges, what SSE does to a bound.

    python examples/figures.py runs/matrix_factorization --output pictures

of the folder that `matrix_factorization.py` was told as `--output`, for the three systems below and the same epochs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from movielens import Ratings, films_that_share_an_actor, load_ratings, split
from runs import start

from sse_nmt.methods.sse import GraphTransition, KnowledgeGraph, UniformTransition
from sse_nmt.system.errors import UserError

SYSTEMS = ("plain", "sse_se", "sse_graph")
PROBABILITIES = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
DRAWS = 5  # of the signs


def embeddings(runs: Path, graph: KnowledgeGraph, seed: int) -> Figure:
    """Fig. 3: films on the first two principal components, and lines from the one with most neighbours to them."""
    figure, axes = plt.subplots(1, len(SYSTEMS), figsize=(12, 4))
    hub = int(graph.degrees.argmax())
    for system, axis in zip(SYSTEMS, axes, strict=True):
        items = np.load(runs / f"{system}.{seed}.items.npy").astype(np.float64)[:, 1:]
        centred = items - items.mean(0)
        x, y = (centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T).T
        axis.scatter(x, y, s=2, alpha=0.5)
        for other in graph.of(hub)[0].tolist():
            axis.plot(x[[hub, other]], y[[hub, other]], linewidth=0.3, color="C1")
        axis.set_title(system)
    return figure


def convergence(runs: Path) -> Figure:
    """Fig. 4: error on validation after each epoch, in the mean over seeds."""
    figure, axis = plt.subplots()
    for system in SYSTEMS:
        curves = [np.load(path)["curve"] for path in sorted(runs.glob(f"{system}.*.npz"))]
        axis.plot(np.arange(1, len(curves[0]) + 1), np.mean(curves, axis=0), label=f"{system}, {len(curves)} seeds")
    axis.set(xlabel="epoch", ylabel="RMSE on validation")
    axis.legend()
    return figure


def bound(fit: Ratings, num_users: int, graph: KnowledgeGraph, prob: float, along: bool) -> float:
    """E Σ_cells |Σ_i σ_i p(cell | i)| / n, with signs σ: the Rademacher complexity if the loss of each pair of a user
    and a film may be anything in [-1, 1]; p(cell | i) is the probability that rating i is seen at that pair."""
    users = UniformTransition(num_users, prob).probabilities().float()
    items = UniformTransition(fit.num_items, prob)
    if along:
        items = GraphTransition(fit.num_items, prob, graph, neighbour_mass=0.5)
    to_items, found = items.probabilities().float(), []
    for draw in range(DRAWS):
        signs = torch.randint(2, fit.users.shape, generator=torch.Generator().manual_seed(draw)) * 2.0 - 1.0
        cells = torch.zeros(num_users, fit.num_items).index_put((fit.users, fit.items), signs, accumulate=True)
        found.append(float((users.T @ cells @ to_items).abs().sum()) / len(signs))
    return sum(found) / DRAWS


def complexity(fit: Ratings, num_users: int, graph: KnowledgeGraph) -> tuple[Figure, dict[str, list[float]]]:
    """Fig. 5: the bound against p0 of users and films."""
    figure, axis = plt.subplots()
    values = {}
    for name, along in (("sse_se", False), ("sse_graph", True)):
        values[name] = [bound(fit, num_users, graph, prob, along) for prob in PROBABILITIES]
        axis.plot(PROBABILITIES, values[name], marker="o", label=name)
    axis.set(xlabel="p0", ylabel="bound on the Rademacher complexity")
    axis.legend()
    return figure, values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--downloads", type=Path, default=Path("data/recommendation"))
    parser.add_argument("--output", type=Path, default=Path("pictures"))
    options = parser.parse_args()
    for system in SYSTEMS:
        for kind in ("npz", "items.npy"):
            if not (path := options.runs / f"{system}.{options.seed}.{kind}").is_file():
                raise UserError(f"{options.runs} must hold runs of {', '.join(SYSTEMS)}, but there is no {path.name}.")
    data = load_ratings(None, options.downloads)
    graph = films_that_share_an_actor(data, options.downloads)
    options.output.mkdir(parents=True, exist_ok=True)
    of_bound, values = complexity(split(data)[0], data.num_users, graph)
    figures = {
        "embeddings": embeddings(options.runs, graph, options.seed),
        "convergence": convergence(options.runs),
        "bound": of_bound,
    }
    for name, figure in figures.items():
        figure.savefig(options.output / f"{name}.svg")
    for name, row in values.items():
        print(name, ", ".join(f"{prob:g}: {value:.3f}" for prob, value in zip(PROBABILITIES, row, strict=True)))


if __name__ == "__main__":
    start(main)
