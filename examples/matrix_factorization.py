"""Ratings by matrix factorisation, with SSE on users and items: r = μ + b_u + b_i + ⟨p_u, q_i⟩.

python examples/matrix_factorization.py --system sse_graph --seed 1 --output runs/mf
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from movielens import Ratings, load_ratings, split
from runs import save_run, start
from systems import dropout_of, parse_options, transitions
from torch import Tensor, nn

from sse_nmt.system.atomic_files import atomic_write
from sse_nmt.system.errors import UserError


class Factors(nn.Module):
    """The first column of each table is a bias."""

    def __init__(self, num_users: int, num_items: int, dim: int, ratings: Tensor, dropout: float) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(num_users, dim + 1), nn.Embedding(num_items, dim + 1)
        for table in (self.users, self.items):
            nn.init.normal_(table.weight, std=0.1)
            nn.init.zeros_(table.weight[:, 0])
        self.mean, self.range = float(ratings.mean()), (float(ratings.min()), float(ratings.max()))
        self.dropout = nn.Dropout(dropout)

    def forward(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Ids (n,), (n,) -> ratings (n,), and the squares of all that they were made of (n,)."""
        p, q = self.users(users), self.items(items)
        product = (self.dropout(p[:, 1:]) * self.dropout(q[:, 1:])).sum(1)
        return self.mean + p[:, 0] + q[:, 0] + product, p.square().sum(1) + q.square().sum(1)


def squared_errors(model: Factors, ratings: Ratings) -> Tensor:
    """Squared errors, (n,), of predictions that are kept among the ratings there are."""
    with torch.no_grad():
        predicted = model.eval()(ratings.users, ratings.items)[0]
    return (predicted.clamp(*model.range) - ratings.ratings).square()


def train(options: argparse.Namespace, data: Ratings, fit: Ratings, valid: Ratings) -> tuple[Factors, list[float]]:
    """The model of the epoch with the lowest validation error, and that error after each epoch."""
    torch.manual_seed(options.seed)
    users, items = transitions(options, data)
    model = Factors(data.num_users, data.num_items, options.dim, fit.ratings, dropout_of(options))
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
        curve.append(float(squared_errors(model, valid).mean().sqrt()))
        if curve[-1] == min(curve):
            best = {name: value.clone() for name, value in model.state_dict().items()}
    if not best:
        raise UserError("The error on validation is no number: lower `--lr`.")
    model.load_state_dict(best)
    return model, curve


def main() -> None:
    options = parse_options(
        __doc__, "runs/matrix_factorization", weight_decay=0.1, dim=32, lr=0.003, batch=512, epochs=40
    )
    data = load_ratings(options.folder, options.downloads)
    fit, valid, test = split(data)
    model, curve = train(options, data, fit, valid)
    sums = torch.zeros(data.num_users).index_add(0, test.users, squared_errors(model, test))
    items = model.items.weight.detach().half().numpy()
    with atomic_write(options.output / f"{options.system}.{options.seed}.items.npy", "wb") as file:
        np.save(file, items)  # for `examples/figures.py`
    save_run(options, {"RMSE": (sums, torch.bincount(test.users, minlength=data.num_users))}, curve)


if __name__ == "__main__":
    start(main)
