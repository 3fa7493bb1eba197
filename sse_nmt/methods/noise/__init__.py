"""Rivals of SSE that perturb the same place: ids before the look-up, or vectors after it."""

from sse_nmt.methods.noise.apply import NOISES, NoisyEmbedding, apply_noise, make_noise, remove_noise
from sse_nmt.methods.noise.dropped import EmbeddingDropout, WordDropout
from sse_nmt.methods.noise.neftune import NEFTune
from sse_nmt.methods.noise.switchout import SwitchOut
from sse_nmt.methods.noise.transitions import MaskTransition, UnigramTransition

__all__ = [
    "NOISES",
    "EmbeddingDropout",
    "MaskTransition",
    "NEFTune",
    "NoisyEmbedding",
    "SwitchOut",
    "UnigramTransition",
    "WordDropout",
    "apply_noise",
    "make_noise",
    "remove_noise",
]
