"""Stochastic Shared Embeddings in plain PyTorch."""

from sse_nmt.methods.sse.attach import attach
from sse_nmt.methods.sse.embedding import SSEEmbedding, apply_sse, remove_sse
from sse_nmt.methods.sse.graph_transition import GraphTransition
from sse_nmt.methods.sse.knowledge_graph import KnowledgeGraph
from sse_nmt.methods.sse.transition import Transition
from sse_nmt.methods.sse.uniform_transition import UniformTransition

__all__ = [
    "UniformTransition",
    "KnowledgeGraph",
    "GraphTransition",
    "SSEEmbedding",
    "Transition",
    "apply_sse",
    "attach",
    "remove_sse",
]
