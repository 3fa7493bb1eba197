"""Matrix products in bfloat16 on a processor."""

# Before any module of this folder: importing fairseq registers our task, which must find them all importable.
import fairseq.tasks  # noqa: F401
