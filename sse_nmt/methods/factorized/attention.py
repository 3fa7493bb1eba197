"""The pairs of factors in multi-head attention: query with key, output with value, head by head."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from sse_nmt.methods.factorized.factor import Factor, Layout
from sse_nmt.methods.factorized.pair import FactorPair, spectral_balance_


@dataclass(frozen=True, eq=False)
class AttentionHeads:
    """The four projections of an attention with H heads of d_h numbers, packed or apart.

    Biases belong to no penalty but turn with their weights when these are re-balanced, ``bias_k`` and ``bias_v`` of
    PyTorch and fairseq too. For attention whose logits are q · k: what comes between the two, a rotation by position
    or a norm of its own, would not go with re-balanced factors.
    """

    query: Factor  # (H, d_h, d)
    key: Factor
    value: Factor
    output: Factor  # (H, d_h, d), transposed
    query_biases: tuple[Factor, ...] = ()  # (H, d_h, 1) each
    key_biases: tuple[Factor, ...] = ()
    value_biases: tuple[Factor, ...] = ()

    @classmethod
    def of(cls, attention: nn.MultiheadAttention) -> AttentionHeads:
        """Those of PyTorch's attention, its input projections packed or apart."""
        heads, width = attention.num_heads, attention.embed_dim
        packed = [Layout(heads, rows=(i * width, (i + 1) * width)) for i in range(3)]
        if attention.in_proj_weight is not None:
            query, key, value = (Factor(attention.in_proj_weight, layout) for layout in packed)
        else:
            apart = (attention.q_proj_weight, attention.k_proj_weight, attention.v_proj_weight)
            query, key, value = (Factor(weight, Layout(heads)) for weight in apart)
        bias = attention.in_proj_bias
        biases = [() if bias is None else (Factor(bias, layout),) for layout in packed]
        return cls(
            query,
            key,
            value,
            Factor(attention.out_proj.weight, Layout(heads, inner=1)),
            query_biases=biases[0],
            key_biases=biases[1] + _vectors(heads, attention.bias_k),
            value_biases=biases[2] + _vectors(heads, attention.bias_v),
        )

    @classmethod
    def of_linears(
        cls,
        query: nn.Linear,
        key: nn.Linear,
        value: nn.Linear,
        output: nn.Linear,
        heads: int,
        bias_k: Tensor | None = None,
        bias_v: Tensor | None = None,
    ) -> AttentionHeads:
        """Those of four layers, as fairseq's attention has them, with its further key and value."""
        layout = Layout(heads)
        return cls(
            Factor(query.weight, layout),
            Factor(key.weight, layout),
            Factor(value.weight, layout),
            Factor(output.weight, Layout(heads, inner=1)),
            query_biases=_vectors(heads, query.bias),
            key_biases=_vectors(heads, key.bias, bias_k),
            value_biases=_vectors(heads, value.bias, bias_v),
        )

    def query_key(self) -> FactorPair:
        """Q_hᵀ K_h."""
        return FactorPair(self.query, self.key)

    def output_value(self) -> FactorPair:
        """O_h V_h."""
        return FactorPair(self.output, self.value)

    def pairs(self) -> tuple[FactorPair, FactorPair]:
        return self.query_key(), self.output_value()

    def spectral_balance_(self) -> None:
        """Re-balance both pairs of every head, in place; what the attention computes stays as it was."""
        spectral_balance_(self.query_key(), self.query_biases, self.key_biases)
        spectral_balance_(self.output_value(), (), self.value_biases)


def _vectors(heads: int, *biases: Tensor | None) -> tuple[Factor, ...]:
    return tuple(Factor(bias, Layout(heads)) for bias in biases if bias is not None)
