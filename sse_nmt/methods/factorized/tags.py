"""Tags on parameters that say what they are a factor of, so that an optimiser finds pairs among its parameters.

A tag knows the layout of the parameter and the product it belongs to, but no other parameter. Tags stay on a
Parameter through `.to`, `.half`, pickling and whatever holds the same object; `copy.deepcopy` of a Parameter drops
them (factorised layers put theirs back; tag an attention after copying it), and `copy_tags` takes them along.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor

from sse_nmt.methods.factorized.factor import Factor, Layout
from sse_nmt.methods.factorized.pair import FactorPair

_NAME = "factor_tags"


class Product:
    """What two factors make; only which one it is matters."""


@dataclass(frozen=True)
class Tag:
    product: Product
    side: int  # 0 left, 1 right
    layout: Layout


def tag(pair: FactorPair) -> FactorPair:
    """Tag both parameters of a pair, once however often it is called, and return the pair."""
    left, right = (
        {t.product for t in tags_of(factor.parameter) if (t.side, t.layout) == (side, factor.layout)}
        for side, factor in enumerate((pair.left, pair.right))
    )
    if not left & right:
        product = Product()
        for side, factor in enumerate((pair.left, pair.right)):
            _set(factor.parameter, (*tags_of(factor.parameter), Tag(product, side, factor.layout)))
    return pair


def tags_of(parameter: Tensor) -> tuple[Tag, ...]:
    """The tags of a parameter; none for an ordinary one."""
    return getattr(parameter, _NAME, ())


def copy_tags(source: Tensor, target: Tensor) -> None:
    """Let another tensor of the same shape, a float32 master copy say, stand for a parameter."""
    _set(target, tags_of(source))


def tagged_pairs(parameters: Iterable[Tensor]) -> list[FactorPair]:
    """The pairs among the parameters, each once, in the order in which they are met.

    Raises:
        ValueError: one factor of a product is there and the other is not.
    """
    products: dict[Product, dict[int, Factor]] = {}
    for parameter in parameters:
        for each in tags_of(parameter):
            products.setdefault(each.product, {})[each.side] = Factor(parameter, each.layout)
    for sides in products.values():
        if len(sides) == 1:
            (factor,) = sides.values()
            raise ValueError(
                f"`parameters` must hold both factors of a product, but the partner of one of shape "
                f"{tuple(factor.parameter.shape)} is missing."
            )
    return [FactorPair(sides[0], sides[1]) for sides in products.values()]


def _set(parameter: Tensor, tags: tuple[Tag, ...]) -> None:
    setattr(parameter, _NAME, tags)
