"""Ratings by matrix factorisation, with SSE on users and items: r = μ + b_u + b_i + ⟨p_u, q_i⟩.

python examples/matrix_factorization.py --system sse_graph --seed 1 --output runs/mf
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from movielens import Ratings, films_that_share_an_actor, load_ratings, split
from runs import save_run
from torch import Tensor, nn

from sse_nmt.methods.sse import GraphTransition, UniformTransition

SYSTEMS = {  # what is switched on
    "plain": (),
    "dropout": ("dropout",),
    "sse_se": ("sse",),
    "sse_graph": ("sse", "graph"),
    "dropout_sse_se": ("dropout", "sse"),
}


class Factors(nn.Module):
    """The first column of each table is a bias."""

    def __init__(self, num_users: int, num_items: int, dim: int, mean: float, dropout: float) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(num_users, dim + 1), nn.Embedding(num_items, dim + 1)
        for table in (self.users, self.items):
            nn.init.normal_(table.weight, std=0.1)
            nn.init.zeros_(table.weight[:, 0])
        self.mean, self.dropout = mean, nn.Dropout(dropout)

    def forward(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Ids (n,), (n,) -> ratings (n,), and the squares of all that they were made of (n,)."""
        p, q = self.users(users), self.items(items)
        product = (self.dropout(p[:, 1:]) * self.dropout(q[:, 1:])).sum(1)
        return self.mean + p[:, 0] + q[:, 0] + product, p.square().sum(1) + q.square().sum(1)


def errors(model: Factors, ratings: Ratings) -> Tensor:
    """Squared errors, (n,)."""
    with torch.no_grad():
        return (model.eval()(ratings.users, ratings.items)[0].clamp(1, 5) - ratings.ratings).square()


def train(options: argparse.Namespace, data: Ratings, fit: Ratings, valid: Ratings) -> tuple[Factors, list[float]]:
    """The model of the epoch with the lowest validation error, and that error after each epoch."""
    torch.manual_seed(options.seed)
    on = SYSTEMS[options.system]
    px, py = (options.px, options.py) if "sse" in on else (0.0, 0.0)
    users, items = UniformTransition(data.num_users, px), UniformTransition(data.num_items, py)
    if "graph" in on:
        graph = films_that_share_an_actor(data, options.downloads)
        items = GraphTransition(data.num_items, py, graph, neighbour_mass=options.neighbour_mass)
    dropout = options.dropout if "dropout" in on else 0.0
    model = Factors(data.num_users, data.num_items, options.dim, float(fit.ratings.mean()), dropout)
    optimiser = torch.optim.Adam(model.parameters(), lr=options.lr)
    curve, best = [], {}
    for _ in range(options.epochs):
        model.train()
        for batch in torch.randperm(len(fit.users)).split(options.batch):
            predicted, squares = model(users.sample(fit.users[batch]), items.sample(fit.items[batch]))  # SSE is here
            loss = ((predicted - fit.ratings[batch]).square() + options.weight_decay * squares).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        curve.append(float(errors(model, valid).mean().sqrt()))
        if curve[-1] == min(curve):
            best = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(best)
    return model, curve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--system", choices=SYSTEMS, default="sse_se")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--px", type=float, default=0.005, help="probability that a user stands in for another")
    parser.add_argument("--py", type=float, default=0.005, help="the same of items")
    parser.add_argument("--neighbour-mass", type=float, default=0.5, help="of it, for films that share an actor")
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--dim", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.003)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--from", dest="folder", type=Path, help="MovieLens's own files (default: 100k, fetched)")
    parser.add_argument("--downloads", type=Path, default=Path("data/recommendation"))
    parser.add_argument("--output", type=Path, default=Path("runs/matrix_factorization"))
    options = parser.parse_args()
    data = load_ratings(options.folder, options.downloads)
    fit, valid, test = split(data)
    model, curve = train(options, data, fit, valid)
    sums = torch.zeros(data.num_users).index_add(0, test.users, errors(model, test))
    save_run(options, {"RMSE": (sums, torch.bincount(test.users, minlength=data.num_users))}, curve)
    items = model.items.weight.detach().half().numpy()
    np.save(options.output / f"{options.system}.{options.seed}.items.npy", items)  # for `examples/figures.py`


if __name__ == "__main__":
    main()
