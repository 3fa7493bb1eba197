"""SSE's rivals in fairseq: the same embeddings, the same streams, other noise."""
