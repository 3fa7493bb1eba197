"""SSE as a hook: for embeddings whose class has to stay as it is, or that have a look-up of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from sse_nmt.methods.perturbed_embedding import PerturbedEmbedding, check_rows
from sse_nmt.methods.sse.transition import Transition

Generator = torch.Generator | Callable[[torch.device], torch.Generator] | None


def attach(embedding: nn.Module, transition: Transition, generator: Generator = None) -> RemovableHandle:
    """Replace the ids of ``embedding`` before its own look-up, while it is in training mode.

    A forward pre-hook: class, parameters, keys and tying stay as they are, and so does what is saved. Scaled look-ups
    (`BartScaledWordEmbedding`) are covered. In a copy or a pickle of the model it is there too.

    Args:
        embedding: any module with a ``weight`` (V, D) whose first argument are ids.
        transition: made for V rows; it follows the ids to their device.
        generator: to draw from, or what makes one for a device; torch's default one when None. Where activation
            checkpointing holds the look-up itself, only torch's own draws the same when it is computed again.

    Returns:
        A handle; its ``remove()`` takes SSE out again. It serves as a context manager too.

    Raises:
        TypeError: no ``weight`` of two dimensions, or SSE is there already.
        ValueError: the transition is for another number of rows. In training: the table was resized since.
    """
    kind, weight = type(embedding).__name__, getattr(embedding, "weight", None)
    if not isinstance(weight, Tensor) or weight.dim() != 2:
        raise TypeError(f"`embedding` must have a `weight` of two dimensions, but is a {kind} instead.")
    hooks = embedding._forward_pre_hooks.values()
    if isinstance(embedding, PerturbedEmbedding) or any(isinstance(hook, _ReplaceIds) for hook in hooks):
        raise TypeError(f"`embedding` must be without SSE, but this {kind} has it already.")
    if transition.num_embeddings != len(weight):
        raise ValueError(
            f"`transition` must be for {len(weight)} rows, the size of the embedding, "
            f"but is for {transition.num_embeddings} instead."
        )
    return embedding.register_forward_pre_hook(_ReplaceIds(transition, generator), with_kwargs=True)


class _ReplaceIds:
    """A class, not a closure: models are copied and pickled with their hooks."""

    def __init__(self, transition: Transition, generator: Generator) -> None:
        self.transition = transition
        self.generator = generator

    def __call__(
        self, embedding: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        if not embedding.training:
            return None
        check_rows(embedding, self.transition, "transition", "SSE", "the handle's `remove`")
        if args:
            return (self._replaced(args[0]), *args[1:]), kwargs
        name = next(iter(kwargs))
        return args, {**kwargs, name: self._replaced(kwargs[name])}

    def _replaced(self, ids: Tensor) -> Tensor:
        if self.transition.candidates.device != ids.device:
            self.transition.to(ids.device)
        generator = self.generator(ids.device) if callable(self.generator) else self.generator
        return self.transition.sample(ids, generator)
