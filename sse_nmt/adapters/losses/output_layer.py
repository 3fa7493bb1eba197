"""What a loss needs to know of the last layer of a fairseq model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch
from fairseq.distributed.fully_sharded_data_parallel import FullyShardedDataParallel
from fairseq.models import FairseqLanguageModel
from torch import Tensor, nn

from sse_nmt.methods.factorized import FactorizedLinear
from sse_nmt.methods.module_surgery import computes_as, has_hooks, places_of_parameter
from sse_nmt.system.errors import OptionError

_INSTEAD = "use --criterion label_smoothed_cross_entropy for it"


def check_plain_softmax(model: Any) -> None:
    """Raises OptionError if the model's probabilities are anything but the softmax of its first output."""
    model = _unwrapped(model)
    if getattr(getattr(model, "decoder", None), "adaptive_softmax", None) is not None:
        raise OptionError(
            "The model must have a plain softmax, but has an adaptive softmax instead: use --criterion adaptive_loss "
            "for it, with --ddp-backend legacy_ddp."
        )
    if not _is_softmax(model):
        raise OptionError(
            f"The model must have a plain softmax, but {type(model).__name__} computes its probabilities in another "
            f"way: {_INSTEAD}."
        )


def last_layer(model: Any, features: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    """Features (N, D) -> x (N, D'), W (V, D'), b (V) or None of the logits x Wᵀ + b, of a model checked for it.

    D' is D but for a factorised layer, whose rank it is.
    """
    projection = _unwrapped(model).decoder.output_projection
    if isinstance(projection, FactorizedLinear):
        return features @ projection.right, projection.left, projection.bias
    return features, projection.weight, projection.bias


def check_output_projection(model: Any) -> None:
    """Raises OptionError if the model has no such layer, does not return features, or is told that it is not used."""
    plain = _unwrapped(model)
    projection = getattr(plain.decoder, "output_projection", None)
    own = () if projection is None else projection.parameters()
    if _looks_for_unused(model) and any(len(places_of_parameter(plain, parameter)) == 1 for parameter in own):
        raise OptionError(
            "`--find-unused-parameters` must be off with `--loss-chunk-tokens` and an output layer of its own, which "
            "the loss uses and the model itself does not: leave it out, or use --share-decoder-input-output-embed."
        )
    if (
        isinstance(projection, nn.Linear | FactorizedLinear)
        and (computes_as(projection, nn.Linear) or computes_as(projection, FactorizedLinear))
        and not has_hooks(projection)
        and _returns_features(plain)
        and not isinstance(model, FullyShardedDataParallel)
    ):
        return
    raise OptionError(
        f"`--loss-chunk-tokens` must be 0 for this {type(plain).__name__}, which does not return features for one "
        "linear `output_projection` whose parameters are at hand."
    )


def _looks_for_unused(model: Any) -> bool:
    """Whether a wrapper of data-parallel training takes what the model itself leaves out for unused."""
    wrappers = (each for each in _wrappers(model) if isinstance(each, nn.parallel.DistributedDataParallel))
    return any(each.find_unused_parameters for each in wrappers)


def _is_softmax(model: Any) -> bool:
    """Asks the model, since many have a method of their own that comes to the same."""
    logits = torch.linspace(-2.0, 3.0, 5).expand(1, 1, 5)
    try:
        found = model.get_normalized_probs((logits, None), log_probs=True)
        return torch.equal(found, logits.log_softmax(-1))
    except Exception:  # whatever a foreign model makes of these logits
        return False


def _returns_features(model: Any) -> bool:
    passes_all_on = type(model).forward is FairseqLanguageModel.forward
    return _takes_features_only(model.decoder.forward) and (passes_all_on or _takes_features_only(model.forward))


def _takes_features_only(forward: Callable[..., Any]) -> bool:
    return "features_only" in inspect.signature(forward).parameters


def _unwrapped(model: Any) -> Any:
    """Without the wrappers of data-parallel training."""
    *_, plain = _wrappers(model)
    return plain


def _wrappers(model: Any) -> Iterator[Any]:
    """Those of data-parallel training from the outermost on, and last the model itself."""
    yield model
    while isinstance(getattr(model, "module", None), nn.Module):
        model = model.module
        yield model
