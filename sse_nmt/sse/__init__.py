"""Stochastic Shared Embeddings in plain PyTorch."""

from sse_nmt.sse.embedding import SharedEmbedding, share_embeddings
from sse_nmt.sse.graph import Graph
from sse_nmt.sse.transition import CompleteGraph, KnowledgeGraph, Transition

__all__ = ["CompleteGraph", "Graph", "KnowledgeGraph", "SharedEmbedding", "Transition", "share_embeddings"]
