"""An embedding whose table is a product of a narrow table and a projection."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sse_nmt.methods.factorized.linear import product, uniform_by_fan_in_
from sse_nmt.methods.factorized.pair import FactorPair
from sse_nmt.methods.factorized.spectral import check_rank, spectral_init
from sse_nmt.methods.factorized.tags import tag


class FactorizedEmbedding(nn.Module):
    """ids -> rows of U Vᵀ, as a look-up in U and a projection by V; both factors are tagged as such.

    State: ``table.weight`` is U (V, r), ``projection`` is V (D, r). ``table`` is an nn.Embedding, so whatever is put
    around embeddings, Stochastic Shared Embeddings too, goes around that one. The row of ``padding_idx`` gets no
    gradient from look-ups; one of zeros stays zero, any other turns with the projection.

    Raises:
        ValueError: a rank outside [1, min(V, D)].
    """

    projection: Tensor

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        rank: int,
        padding_idx: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_rank((num_embeddings, embedding_dim), rank)
        self.num_embeddings, self.embedding_dim, self.rank = num_embeddings, embedding_dim, rank
        self.table = nn.Embedding(num_embeddings, rank, padding_idx, device=device, dtype=dtype)
        self.projection = nn.Parameter(torch.empty(embedding_dim, rank, device=device, dtype=dtype))
        uniform_by_fan_in_(self.projection, rank)
        tag(self.pair())

    @classmethod
    def from_factors(cls, left: Tensor, right: Tensor, padding_idx: int | None = None) -> FactorizedEmbedding:
        """An embedding around these very Parameters: U (V, r) and V (D, r)."""
        embedding = cls(len(left), len(right), left.size(1), padding_idx, device="meta")
        embedding.table.weight, embedding.projection = left, right
        tag(embedding.pair())
        return embedding

    @classmethod
    def from_embedding(cls, embedding: nn.Embedding, rank: int, *, spectral: bool = True) -> FactorizedEmbedding:
        """The embedding in factors: from its table by `spectral_init`, or begun anew.

        Raises:
            ValueError: as `spectral_init`, and for max_norm, scale_grad_by_freq or sparse gradients, which speak of
                whole rows.
        """
        check_options(embedding)
        factors = spectral_init(embedding.weight, rank) if spectral else fresh_factors(embedding, rank)
        trained = embedding.weight.requires_grad
        left, right = (nn.Parameter(factor, requires_grad=trained) for factor in factors)
        return cls.from_factors(left, right, embedding.padding_idx).train(embedding.training)

    def reset_parameters(self) -> None:
        """The table as an nn.Embedding begins, N(0, 1), the projection as an nn.Linear: uniform within ±1/√r."""
        self.table.reset_parameters()
        uniform_by_fan_in_(self.projection, self.rank)

    def forward(self, input: Tensor) -> Tensor:
        """Ids (*) -> vectors (*, D), by way of (*, r)."""
        return nn.functional.linear(self.table(input), self.projection)

    @property
    def padding_idx(self) -> int | None:
        return self.table.padding_idx

    @property
    def weight(self) -> Tensor:
        """U Vᵀ (V, D), formed anew; for code that must see a table."""
        return self.table.weight @ self.projection.t()

    def factors(self) -> tuple[Tensor, Tensor]:
        """U, V."""
        return self.table.weight, self.projection

    def pair(self) -> FactorPair:
        return FactorPair.of_columns(*self.factors())

    def merged(self) -> nn.Embedding:
        """The plain embedding; whatever replaces ids in training is left behind."""
        embedding = nn.Embedding(self.num_embeddings, self.embedding_dim, self.padding_idx, device="meta")
        embedding.weight = product(*self.factors())
        return embedding.train(self.training)

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, {self.embedding_dim}, rank={self.rank}, padding_idx={self.padding_idx}"

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        tag(self.pair())  # a copied Parameter has lost its tags


def fresh_factors(embedding: nn.Embedding, rank: int) -> tuple[Tensor, Tensor]:
    """U (V, r), V (D, r) as a new `FactorizedEmbedding` begins, in the table's type and place."""
    (rows, width), weight = embedding.weight.shape, embedding.weight
    new = FactorizedEmbedding(rows, width, rank, embedding.padding_idx, weight.device, weight.dtype)
    return new.table.weight.detach(), new.projection.detach()


def check_options(embedding: nn.Embedding) -> None:
    """Raises ValueError for what cannot be said of factors."""
    for name in ("max_norm", "scale_grad_by_freq", "sparse"):
        value = getattr(embedding, name)
        if value is not None and value is not False:
            raise ValueError(f"`embedding` must have no {name} to be factorised, but has {name}={value}.")
