"""Stochastic Shared Embeddings for translation models: `fairseq-train --user-dir sse_nmt --task translation_sse`."""

from sse_nmt._registration import register_with_fairseq

__version__ = "0.1.0"

register_with_fairseq()
