"""A linear layer whose weight is a product of two thin matrices."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from sse_nmt.methods.dtypes import double_if_supported
from sse_nmt.methods.factorized.pair import FactorPair
from sse_nmt.methods.factorized.spectral import check_rank, spectral_init
from sse_nmt.methods.factorized.tags import tag


class FactorizedLinear(nn.Module):
    """x -> x V Uᵀ + b, so the weight is U Vᵀ; both factors are tagged as such.

    State: ``left`` is U (out, r), ``right`` is V (in, r), ``bias`` is b (out) or None.

    Raises:
        ValueError: a rank outside [1, min(in, out)].
    """

    left: Tensor
    right: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rank: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_rank((out_features, in_features), rank)
        self.in_features, self.out_features, self.rank = in_features, out_features, rank
        self.left = nn.Parameter(torch.empty(out_features, rank, device=device, dtype=dtype))
        self.right = nn.Parameter(torch.empty(in_features, rank, device=device, dtype=dtype))
        own_bias = nn.Parameter(torch.empty(out_features, device=device, dtype=dtype)) if bias else None
        self.register_parameter("bias", own_bias)
        self.reset_parameters()
        tag(self.pair())

    @classmethod
    def from_factors(cls, left: Tensor, right: Tensor, bias: Tensor | None = None) -> FactorizedLinear:
        """A layer around these very Parameters: U (out, r), V (in, r) and b (out)."""
        layer = cls(len(right), len(left), left.size(1), bias=False, device="meta")
        layer.left, layer.right, layer.bias = left, right, bias
        tag(layer.pair())
        return layer

    @classmethod
    def from_linear(cls, linear: nn.Linear, rank: int, *, spectral: bool = True) -> FactorizedLinear:
        """The layer in factors, around the same bias: from its weight by `spectral_init`, or begun anew.

        Raises:
            ValueError: as `spectral_init`.
        """
        factors = spectral_init(linear.weight, rank) if spectral else fresh_factors(linear, rank)
        trained = linear.weight.requires_grad
        left, right = (nn.Parameter(factor, requires_grad=trained) for factor in factors)
        return cls.from_factors(left, right, linear.bias).train(linear.training)

    def reset_parameters(self) -> None:
        """Each factor as an nn.Linear of its shape would begin: uniform within ±1/√fan-in, ``in`` for V, r for U."""
        uniform_by_fan_in_(self.right, self.in_features)
        uniform_by_fan_in_(self.left, self.rank)
        if self.bias is not None:
            uniform_by_fan_in_(self.bias, self.in_features)

    def forward(self, input: Tensor) -> Tensor:
        """(*, in) -> (*, out), by way of (*, r)."""
        return nn.functional.linear(input @ self.right, self.left, self.bias)

    @property
    def weight(self) -> Tensor:
        """U Vᵀ (out, in), formed anew; for code that must see a weight, as PyTorch's fused inference does."""
        return self.left @ self.right.t()

    def factors(self) -> tuple[Tensor, Tensor]:
        """U, V."""
        return self.left, self.right

    def pair(self) -> FactorPair:
        return FactorPair.of_columns(*self.factors())

    def merged(self) -> nn.Linear:
        """The plain layer, around the same bias."""
        linear = nn.Linear(self.in_features, self.out_features, bias=False, device="meta")
        linear.weight = product(*self.factors())
        linear.register_parameter("bias", self._parameters["bias"])
        return linear.train(self.training)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, rank={self.rank}, "
            f"bias={self.bias is not None}"
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        tag(self.pair())  # a copied Parameter has lost its tags


def uniform_by_fan_in_(tensor: Tensor, fan_in: int) -> None:
    bound = 1 / math.sqrt(fan_in)
    nn.init.uniform_(tensor, -bound, bound)


def fresh_factors(linear: nn.Linear, rank: int) -> tuple[Tensor, Tensor]:
    """U (out, r), V (in, r) as a new `FactorizedLinear` begins, in the weight's type and place."""
    weight = linear.weight
    new = FactorizedLinear(
        linear.in_features, linear.out_features, rank, bias=False, device=weight.device, dtype=weight.dtype
    )
    return new.left.detach(), new.right.detach()


@torch.no_grad()
def product(left: Tensor, right: Tensor) -> nn.Parameter:
    """U Vᵀ, computed in double precision, in the type of the factors."""
    dtype = double_if_supported(left.device)
    return nn.Parameter((left.to(dtype) @ right.to(dtype).t()).to(left.dtype), requires_grad=left.requires_grad)
