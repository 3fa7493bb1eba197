"""Films to recommend by Bayesian Personalised Ranking, with SSE on users and on the films that they rated.

python examples/bpr.py --system sse_graph --seed 1 --output runs/bpr
"""

from __future__ import annotations

import argparse
import math

import torch
import torch.nn.functional as F
from movielens import Ratings, load_ratings, split
from runs import save_run, start
from systems import dropout_of, parse_options, transitions
from torch import Tensor, nn

from sse_nmt.system.errors import UserError

TOP = 10


class Factors(nn.Module):
    """A user's taste and a film's traits, (n, dim) each."""

    def __init__(self, num_users: int, num_items: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(num_users, dim), nn.Embedding(num_items, dim)
        for table in (self.users, self.items):
            nn.init.normal_(table.weight, std=0.1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Ids (n,), (n,) -> scores (n,)."""
        return (self.dropout(self.users(users)) * self.dropout(self.items(items))).sum(1)


def rated(ratings: Ratings, num_users: int) -> Tensor:
    """(users, items), bool."""
    found = torch.zeros(num_users, ratings.num_items, dtype=torch.bool)
    found[ratings.users, ratings.items] = True
    return found


def ranking_scores(model: Factors, wanted: Tensor, seen: Tensor) -> dict[str, Tensor]:
    """Of each user, among all films not ``seen``: NDCG@10, recall@10, and the share of right pairs (AUC)."""
    with torch.no_grad():
        scores = (model.eval().users.weight @ model.items.weight.T).masked_fill(seen, -math.inf)
    hits = wanted.gather(1, scores.topk(TOP).indices).float()
    discounts = 1 / torch.arange(2, TOP + 2).log2()
    ideal = discounts.cumsum(0)[wanted.sum(1).clamp(1, TOP) - 1]
    places = scores.argsort(1).argsort(1).double()  # from the worst, those seen first
    ours, others = wanted.sum(1), (~wanted & ~seen).sum(1)
    # Films below the rated ones, without those seen in training and the rated ones themselves: right pairs.
    above = (places * wanted).sum(1) - seen.sum(1) * ours - ours * (ours - 1) / 2
    return {
        "NDCG@10": hits @ discounts / ideal,
        "recall@10": hits.sum(1) / ours.clamp(1),
        "AUC": above / (ours * others),
    }


def train(options: argparse.Namespace, data: Ratings, fit: Ratings, valid: Tensor) -> tuple[Factors, list[float]]:
    """The model with the best NDCG@10 on validation, and that after every few epochs."""
    torch.manual_seed(options.seed)
    users, items = transitions(options, data)
    model = Factors(data.num_users, data.num_items, options.dim, dropout_of(options))
    # Adam's weight decay: of all rows at each step, and not, as in `matrix_factorization.py`, of those looked up.
    optimiser = torch.optim.Adam(model.parameters(), lr=options.lr, weight_decay=options.weight_decay)
    seen, curve, best = rated(fit, data.num_users), [], {}
    for epoch in range(1, options.epochs + 1):
        model.train()
        for batch in torch.randperm(len(fit.users)).split(options.batch):
            user = fit.users[batch]
            other = torch.randint(data.num_items, user.shape)
            # A film that the user has rated is drawn anew, once: few of them are left.
            other = torch.where(seen[user, other], torch.randint(data.num_items, user.shape), other)
            user = users.sample(user)  # SSE is here; the other film, which the user did not rate, is left as it is
            loss = -F.logsigmoid(model(user, items.sample(fit.items[batch])) - model(user, other)).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        if not loss.isfinite():
            raise UserError("The loss is no number: lower `--lr`.")
        if epoch % 5 == 0 or epoch == options.epochs:
            curve.append(float(ranking_scores(model, valid, seen)["NDCG@10"][valid.any(1)].mean()))
            if curve[-1] == max(curve):
                best = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(best)
    return model, curve


def main() -> None:
    options = parse_options(__doc__, "runs/bpr", weight_decay=3e-5, dim=64, lr=0.001, batch=1024, epochs=100)
    data = load_ratings(options.folder, options.downloads)
    fit, valid, test = split(data)
    known = rated(valid, data.num_users)
    model, curve = train(options, data, fit, known)
    wanted = rated(test, data.num_users)
    scores = ranking_scores(model, wanted, rated(fit, data.num_users) | known)
    counts = wanted.any(1)
    save_run(options, {metric: (values.nan_to_num() * counts, counts) for metric, values in scores.items()}, curve)


if __name__ == "__main__":
    start(main)
