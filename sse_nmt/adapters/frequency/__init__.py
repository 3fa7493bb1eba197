"""Frequency-aware SGD in fairseq: two optimisers, and what they are told of embedding tables."""

# Before any module of this folder: importing fairseq registers our task, which must find them all importable.
import fairseq.tasks  # noqa: F401
