"""Stochastic Shared Embeddings in plain PyTorch."""

from sse_nmt.sse.embedding import SharedEmbedding, share_embeddings
from sse_nmt.sse.transition import CompleteGraph, Transition

__all__ = ["CompleteGraph", "SharedEmbedding", "Transition", "share_embeddings"]
