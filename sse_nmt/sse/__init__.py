"""Stochastic Shared Embeddings in plain PyTorch."""

from sse_nmt.sse.embedding import SharedEmbedding, share_embeddings, unshare_embeddings
from sse_nmt.sse.graph import Graph
from sse_nmt.sse.knowledge_graph import KnowledgeGraph
from sse_nmt.sse.transition import CompleteGraph, Transition

__all__ = [
    "CompleteGraph",
    "Graph",
    "KnowledgeGraph",
    "SharedEmbedding",
    "Transition",
    "share_embeddings",
    "unshare_embeddings",
]
