"""Factorised layers in plain PyTorch: low rank, spectral initialisation, Frobenius decay."""

from sse_nmt.factorized.attention import AttentionHeads
from sse_nmt.factorized.decay import FrobeniusDecay
from sse_nmt.factorized.embedding import FactorizedEmbedding
from sse_nmt.factorized.factor import Factor, Layout
from sse_nmt.factorized.linear import FactorizedLinear
from sse_nmt.factorized.pair import Pair, spectral_balance_
from sse_nmt.factorized.spectral import rank_for, spectral_init
from sse_nmt.factorized.tags import copy_tags, tag, tagged_pairs, tags_of
from sse_nmt.factorized.whole_models import factorize, multiply_out

__all__ = [
    "AttentionHeads",
    "Factor",
    "FactorizedEmbedding",
    "FactorizedLinear",
    "FrobeniusDecay",
    "Layout",
    "Pair",
    "copy_tags",
    "factorize",
    "multiply_out",
    "rank_for",
    "spectral_balance_",
    "spectral_init",
    "tag",
    "tagged_pairs",
    "tags_of",
]
