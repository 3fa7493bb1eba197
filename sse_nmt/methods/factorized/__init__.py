"""Factorised layers in plain PyTorch: low rank, spectral initialisation, Frobenius decay."""

from sse_nmt.methods.factorized.attention import AttentionHeads
from sse_nmt.methods.factorized.decay import FrobeniusDecay
from sse_nmt.methods.factorized.embedding import FactorizedEmbedding
from sse_nmt.methods.factorized.factor import Factor, Layout
from sse_nmt.methods.factorized.linear import FactorizedLinear
from sse_nmt.methods.factorized.pair import FactorPair, spectral_balance_
from sse_nmt.methods.factorized.spectral import rank_for, spectral_init
from sse_nmt.methods.factorized.surgery import factorize, merge_factors
from sse_nmt.methods.factorized.tags import copy_tags, tag, tagged_pairs, tags_of

__all__ = [
    "AttentionHeads",
    "Factor",
    "FactorizedEmbedding",
    "FactorizedLinear",
    "FrobeniusDecay",
    "Layout",
    "FactorPair",
    "copy_tags",
    "factorize",
    "merge_factors",
    "rank_for",
    "spectral_balance_",
    "spectral_init",
    "tag",
    "tagged_pairs",
    "tags_of",
]
