"""What became of the text, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from sse_nmt.corpora.pipeline.run import Prepared
from sse_nmt.corpora.pipeline.steps import Steps
from sse_nmt.system.tables import plain_table

_COUNTS = ("read", "pairs", "source_tokens", "target_tokens")


def as_table(prepared: Prepared, steps: Steps) -> str:
    """Pairs and tokens per corpus, pairs removed per rule, pairs and unknown tokens per split, seconds per step."""
    corpora = [(name, *(corpus[key] for key in _COUNTS)) for name, corpus in prepared.corpora.items()]
    in_all = ("in all", *(sum(corpus[key] for corpus in prepared.corpora.values()) for key in _COUNTS))
    removed = [(rule, f"{count:,}") for rule, count in sorted(prepared.removed.items()) if count]
    if prepared.invisible:
        removed.append(("characters that nobody sees", f"{prepared.invisible:,}"))
    splits = [(name, f"{pairs:,}", f"{prepared.unknown[name]:.4%}") for name, pairs in prepared.pairs.items()]
    seconds = [(steps.titles[name], f"{value:,.1f}") for name, value in steps.seconds.items()]
    tables: list[tuple[Sequence[str], list[Sequence[str]]]] = [
        (
            ("corpus", "pairs read", "trained on", "source tokens", "target tokens"),
            [(name, *(f"{number:,}" for number in numbers)) for name, *numbers in (*corpora, in_all)],
        ),
        (("removed", "pairs"), list(removed)),
        (("split", "pairs", "unknown tokens"), list(splits)),
        (("step", "seconds"), list(seconds)),
    ]
    return "\n\n".join(plain_table(head, rows) for head, rows in tables if rows)
