"""Stochastic Shared Embeddings, and their like, for translation models: fairseq and plain PyTorch."""

from sse_nmt.adapters.registration import register_with_fairseq

__version__ = "0.2.0"

register_with_fairseq()
