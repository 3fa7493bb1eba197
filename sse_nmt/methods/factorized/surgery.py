"""Factorise the layers of any PyTorch model in place, and merge their factors again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from torch import Tensor, nn

from sse_nmt.methods.factorized.embedding import FactorizedEmbedding, check_options
from sse_nmt.methods.factorized.linear import FactorizedLinear
from sse_nmt.methods.factorized.spectral import rank_for
from sse_nmt.methods.module_surgery import has_hooks, places_of, replace_submodules, tie_to_another

Plain = nn.Linear | nn.Embedding
Factorized = FactorizedLinear | FactorizedEmbedding


def factorize(
    module: nn.Module,
    scale: float,
    *,
    names: Iterable[str] | Callable[[str], bool] | None = None,
    spectral: bool = True,
) -> nn.Module:
    """Turn nn.Linear and nn.Embedding layers of a model into factors of rank ``scale * min(m, n)``, in place.

    Layers that share a weight share its factors: an output projection tied to an embedding stays tied.

    Args:
        module: the model; if it is itself such a layer, use what is returned.
        scale: of the rank, as for `rank_for`.
        names: which layers, by their name in ``module.named_modules()`` or by what holds of it; all of them when
            None. Subclasses are none of them: PyTorch's attention reads its projections past their forward.
        spectral: begin from the weights by `spectral_init`, or anew.

    Returns:
        The module.

    Raises:
        ValueError: no layer found, or a name that is none; a weight that is shared with something that stays whole;
            hooks, which would be lost; and what `rank_for`, `spectral_init` and `FactorizedEmbedding` raise.
    """
    wanted = _wanted(module, names)
    _check_tied(module, wanted)
    made: dict[int, Factorized] = {}  # by the layer it is for
    factors: dict[int, Factorized] = {}  # by the weight
    # All are made before the first is put in: a refused one leaves the model as it was. Embeddings come first, since
    # theirs is the start that a tied weight has in either case.
    for layer in sorted(wanted.values(), key=lambda layer: isinstance(layer, nn.Linear)):
        if id(layer) not in made:
            new = _factorized(layer, scale, spectral, factors.get(id(layer.weight)))
            made[id(layer)] = factors[id(layer.weight)] = new
    return replace_submodules(module, {name: made[id(layer)] for name, layer in wanted.items()})


def merge_factors(module: nn.Module) -> nn.Module:
    """The reverse: every factorised layer of a model becomes a plain one, in place; tied ones stay tied.

    Returns:
        The module; if it is itself a factorised layer, what is returned is the plain one.

    Raises:
        ValueError: no factorised layer found.
    """
    found: dict[str, Factorized] = dict(places_of(module, FactorizedLinear, FactorizedEmbedding))
    if not found:
        raise ValueError(f"`module` must contain factorised layers, but {type(module).__name__} has none.")
    made: dict[int, Plain] = {}
    weights: dict[tuple[int, ...], Tensor] = {}  # by the factors
    for layer in found.values():
        if id(layer) not in made:
            plain = made[id(layer)] = layer.merged()
            plain.weight = weights.setdefault(tuple(map(id, layer.factors())), plain.weight)
    return replace_submodules(module, {name: made[id(layer)] for name, layer in found.items()})


def _layers(module: nn.Module) -> Iterator[tuple[str, Plain]]:
    """Every place of a plain layer, but for the narrow tables of factorised embeddings."""
    inner = {id(layer.table) for layer in module.modules() if isinstance(layer, FactorizedEmbedding)}
    for name, layer in module.named_modules(remove_duplicate=False):
        if type(layer) in (nn.Linear, nn.Embedding) and id(layer) not in inner:
            yield name, layer


def _wanted(module: nn.Module, names: Iterable[str] | Callable[[str], bool] | None) -> dict[str, Plain]:
    found, kind = dict(_layers(module)), type(module).__name__
    if names is None:
        wanted = found
    elif callable(names):
        wanted = {name: layer for name, layer in found.items() if names(name)}
    else:
        names = list(names)
        for name in names:
            if name not in found:
                raise ValueError(
                    f"`names` must name nn.Linear or nn.Embedding layers of {kind}, but {name!r} is none of them."
                )
        wanted = {name: found[name] for name in names}
    if not found:
        raise ValueError(f"`module` must contain an nn.Linear or nn.Embedding, but {kind} has none.")
    if not wanted:
        raise ValueError(f"`names` must choose a layer of {kind}, but choose none.")
    for name, layer in wanted.items():
        if has_hooks(layer):
            raise ValueError(f"`module` must have no hooks on layers to factorise, but {name!r} has some.")
    return wanted


def _check_tied(module: nn.Module, wanted: dict[str, Plain]) -> None:
    tie = tie_to_another(module, {name: layer.weight for name, layer in wanted.items()}, wanted)
    if tie is not None:
        raise ValueError(
            f"`module` must share weights between factorised layers only, but {tie[0]!r} shares that of "
            f"{tie[1]!r} and stays whole."
        )


def _factorized(layer: Plain, scale: float, spectral: bool, tied: Factorized | None) -> Factorized:
    """The layer in factors of its own, or in those of the layer that it is tied to."""
    if isinstance(layer, nn.Embedding):
        check_options(layer)
        if tied is None:
            return FactorizedEmbedding.from_embedding(layer, rank_for(layer.weight.shape, scale), spectral=spectral)
        return FactorizedEmbedding.from_factors(*tied.factors(), layer.padding_idx).train(layer.training)
    if tied is None:
        return FactorizedLinear.from_linear(layer, rank_for(layer.weight.shape, scale), spectral=spectral)
    return FactorizedLinear.from_factors(*tied.factors(), layer.bias).train(layer.training)
