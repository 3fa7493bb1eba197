"""The factorised layers in a model's state, found and merged without building the model."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from sse_nmt.methods.factorized.linear import product

# What FactorizedLinear and FactorizedEmbedding call U and V.
_FACTORS = ((".left", ".right"), (".table.weight", ".projection"))


def factorized_layers(state: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    """The names of the factorised layers in a state dict, with their factors U (m, r), V (n, r)."""
    found = {}
    for name, left in state.items():
        for u, v in _FACTORS:
            right = state.get(name.removesuffix(u) + v) if name.endswith(u) else None
            if right is not None and left.dim() == right.dim() == 2 and left.shape[1] == right.shape[1]:
                found[name.removesuffix(u)] = left, right
    return found


def merge_factors_in_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of the plain model: ``weight`` (m, n) in place of two factors, tied ones one tensor, in order."""
    layers = factorized_layers(state)
    second = {name + v for name in layers for _, v in _FACTORS}
    first = {name + u: name for name in layers for u, _ in _FACTORS}
    products: dict[tuple[int, ...], Tensor] = {}
    plain = {}
    for key, tensor in state.items():
        if key in first:
            left, right = layers[first[key]]
            same = (left.data_ptr(), right.data_ptr())
            if same not in products:
                products[same] = product(left, right).detach()
            plain[first[key] + ".weight"] = products[same]
        elif key not in second:
            plain[key] = tensor
    return plain
