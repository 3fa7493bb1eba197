"""Stochastic Shared Embeddings in fairseq: options, installation, seeding, and the loss on unreplaced labels."""

# Before any module of this folder: importing fairseq registers our task, which must find them all importable.
import fairseq.tasks  # noqa: F401
