"""Factorised layers in a fairseq Transformer, and its pairs of attention matrices."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fairseq.modules import MultiheadAttention
from fairseq.modules.transformer_layer import TransformerDecoderLayerBase, TransformerEncoderLayerBase
from torch import Tensor, nn

from sse_nmt.adapters.factorized.frobenius_training import FrobeniusTraining
from sse_nmt.adapters.factorized.options import FactorizedConfig, LowRank, frobenius_pairs, low_rank
from sse_nmt.methods.factorized import AttentionHeads, FactorizedEmbedding, FactorPair, factorize
from sse_nmt.methods.factorized.state_dicts import merge_factors_in_state
from sse_nmt.methods.module_surgery import has_hooks, tie_to_another

logger = logging.getLogger(__name__)

_EMBEDDINGS = ("encoder.embed_tokens", "decoder.embed_tokens")
_OUTPUT = ("decoder.output_projection",)


class Factorization:
    """What the options make of a model.

    Raises:
        ValueError: options that cannot be, or cannot be together.
    """

    def __init__(self, cfg: FactorizedConfig) -> None:
        self._balanced = cfg.spectral_attention
        self._low_rank = low_rank(cfg)
        self._decay = cfg.frobenius_decay
        self._decayed = frobenius_pairs(cfg)

    def install(self, model: nn.Module) -> FrobeniusTraining | None:
        """Factorise a model that is to be trained, in place, before anything goes around its embeddings.

        Raises:
            ValueError: a model that does not have what is asked for.
        """
        pairs: list[FactorPair] = []
        in_attention = self._decay > 0 and "attention" in self._decayed
        heads = attention_heads(model) if self._balanced or in_attention else []
        if self._balanced:
            for attention in heads:
                attention.spectral_balance_()
            logger.info("spectral start of %d attentions: query with key, output with value", len(heads))
        if in_attention:
            pairs += [pair for attention in heads for pair in attention.pairs()]
        if self._low_rank is not None:
            factors = factorize_layers(model, self._low_rank)
            pairs += factors if "low_rank" in self._decayed else []
        return FrobeniusTraining(model, pairs, self._decay) if self._decay > 0 else None

    def prepare_to_load(self, model: nn.Module) -> None:
        """Make a model ready for the parameters of a trained one: in factors, as these options say, or whole."""
        if self._low_rank is None:
            model.register_load_state_dict_pre_hook(_merge_factors)
        else:
            factorize_layers(model, replace(self._low_rank, spectral=False))


def attention_heads(model: nn.Module) -> list[AttentionHeads]:
    """Those of every attention in the model.

    Raises:
        ValueError: the model has none that is known, or one whose projections are not plain.
    """
    found = {name: module for name, module in model.named_modules() if isinstance(module, MultiheadAttention)}
    if not found:
        raise ValueError(
            f"`--spectral-attention` and `--frobenius-decay` must have pairs of attention matrices, but "
            f"{type(model).__name__} has none that is known."
        )
    return [_heads(name, module) for name, module in found.items()]


def factorize_layers(model: nn.Module, options: LowRank) -> list[FactorPair]:
    """Factorise the layers that are asked for, in place, before SSE goes around embeddings; their pairs of factors.

    Raises:
        ValueError: layers that the model does not have, or a table that would be tied to a layer that stays whole.
    """
    names = [name for kind in sorted(options.layers) for name in _layers(model, kind)]
    _check_ties(model, names)
    before = _numbers(model)
    factorize(model, options.scale, names=names, spectral=options.spectral)
    places = dict(model.named_modules(remove_duplicate=False))
    layers = {name: places[name] for name in names}
    if not options.spectral:
        _begin_as_fairseq(layers)
    logger.info(
        "low rank: scale %g, %s start, %d layers: %s; %d parameters in place of %d",
        options.scale, "spectral" if options.spectral else "fresh", len(names),
        ", ".join(f"{name} {layer.rank}" for name, layer in layers.items()), _numbers(model), before,
    )  # fmt: skip
    return [layer.pair() for layer in {id(layer): layer for layer in layers.values()}.values()]


def _heads(name: str, attention: Any) -> AttentionHeads:
    projections = attention.q_proj, attention.k_proj, attention.v_proj, attention.out_proj
    for projection in projections:
        if type(projection) is not nn.Linear or has_hooks(projection):
            raise ValueError(f"`{name}` must have plain projections for a pair of factors, but has others.")
    return AttentionHeads.of_linears(*projections, attention.num_heads, attention.bias_k, attention.bias_v)


def _feed_forward(model: nn.Module) -> list[str]:
    kinds = (TransformerEncoderLayerBase, TransformerDecoderLayerBase)
    layers = [name for name, module in model.named_modules() if isinstance(module, kinds)]
    return [f"{layer}.{name}" for layer in layers for name in ("fc1", "fc2")]


def _layers(model: nn.Module, kind: str) -> list[str]:
    names = {"ffn": _feed_forward(model), "embeddings": _EMBEDDINGS, "output": _OUTPUT}[kind]
    places = dict(model.named_modules(remove_duplicate=False))
    lacking = [name for name in names if type(places.get(name)) not in (nn.Linear, nn.Embedding)]
    if lacking or not names:
        raise ValueError(
            f"`--low-rank-layers {kind}` must have plain layers to factorise, but {type(model).__name__} lacks "
            f"{f'`{lacking[0]}`' if lacking else 'them'}."
        )
    return list(names)


def _check_ties(model: nn.Module, names: list[str]) -> None:
    """Before `factorize` refuses it: in the words of the options."""
    places = dict(model.named_modules(remove_duplicate=False))
    tie = tie_to_another(model, {name: places[name].weight for name in names}, names)
    if tie is not None:
        raise ValueError(
            f"`--low-rank-layers` must take tied layers together, but `{tie[0]}` stays whole and is tied to `{tie[1]}`."
        )


def _begin_as_fairseq(layers: Mapping[str, Any]) -> None:
    """Fresh factors of embeddings and output begin as fairseq begins a table of their width: N(0, 1/r)."""
    for name, layer in layers.items():
        if name in _OUTPUT:
            nn.init.normal_(layer.left, std=layer.rank**-0.5)
    for layer in layers.values():  # after the output, which may be tied and has no padding
        if isinstance(layer, FactorizedEmbedding):
            nn.init.normal_(layer.table.weight, std=layer.rank**-0.5)
            nn.init.zeros_(layer.table.weight[layer.padding_idx])


def _merge_factors(_model: nn.Module, state: dict[str, Tensor], *_: Any) -> None:
    """`fairseq-generate` knows nothing of the options that a model was trained with."""
    plain = merge_factors_in_state(state)
    state.clear()
    state.update(plain)


def _numbers(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
