"""The fairseq tasks and nothing else: fairseq imports every module of this folder."""

# Before any module of this folder: importing fairseq registers our task, which must find them all importable.
import fairseq.tasks  # noqa: F401
