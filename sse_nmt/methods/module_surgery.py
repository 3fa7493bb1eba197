"""Taking modules out of a model and putting others in, in place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TypeVar

from torch import Tensor, nn

Module = TypeVar("Module", bound=nn.Module)


def places_of(module: nn.Module, *kinds: type[Module]) -> Iterator[tuple[str, Module]]:
    """Every place of a module of these types or their subclasses; one module in two places comes twice."""
    for name, child in module.named_modules(remove_duplicate=False):
        if isinstance(child, kinds):
            yield name, child


def replace_submodules(module: nn.Module, replacements: Mapping[str, nn.Module]) -> nn.Module:
    """Put modules in the places of these names.

    Returns:
        The module itself, or what is in its own place (the name "").
    """
    for name, replacement in replacements.items():
        if name == "":
            return replacement
        parent, _, child = name.rpartition(".")
        setattr(module.get_submodule(parent), child, replacement)
    return module


def places_of_parameter(module: nn.Module, parameter: Tensor) -> list[str]:
    """Names of the modules that hold the parameter: more than one where it is tied."""
    return [
        name
        for name, owner in module.named_modules(remove_duplicate=False)
        if any(own is parameter for own in owner._parameters.values())
    ]


def tie_to_another(module: nn.Module, weights: Mapping[str, Tensor], names: Collection[str]) -> tuple[str, str] | None:
    """A module outside ``names`` that holds one of the weights, and the place that the weight was named for."""
    named = {id(weight): name for name, weight in weights.items()}
    for place, owner in module.named_modules(remove_duplicate=False):
        for parameter in owner._parameters.values():
            if id(parameter) in named and place not in names:
                return place, named[id(parameter)]
    return None


def has_hooks(module: nn.Module) -> bool:
    """Whether anything listens to its passes, which would be lost with it."""
    return bool(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )


def computes_as(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether its forward is that of ``kind``, and not one of its own."""
    return type(module).forward is kind.forward
