"""What became of the text, as a table."""

from __future__ import annotations

from sse_nmt.corpora.steps import Steps
from sse_nmt.corpora.streaming.pipeline import Prepared


def as_table(prepared: Prepared, steps: Steps) -> str:
    """Pairs and tokens per corpus, pairs removed per rule, unknown tokens per split, seconds per step."""
    rows = [(name, *(corpus[key] for key in _COUNTS)) for name, corpus in prepared.corpora.items()]
    rows.append(("in all", *(sum(row[i] for row in rows) for i in range(1, len(_COUNTS) + 1))))
    width = max(len(title) for title in (*steps.titles.values(), *prepared.corpora, *prepared.removed))
    lines = [f"{'corpus':<{width}}  {'pairs read':>12}  {'kept':>12}  {'source tokens':>14}  {'target tokens':>14}"]
    lines += [f"{row[0]:<{width}}  {row[1]:>12,}  {row[2]:>12,}  {row[3]:>14,}  {row[4]:>14,}" for row in rows]
    lines += ["", f"{'removed':<{width}}  {'pairs':>12}"]
    lines += [f"{rule:<{width}}  {count:>12,}" for rule, count in sorted(prepared.removed.items())]
    lines += ["", f"{'unknown tokens':<{width}}  {'share':>12}"]
    lines += [f"{split:<{width}}  {share:>12.4%}" for split, share in prepared.unknown.items()]
    lines += ["", f"{'step':<{width}}  {'seconds':>12}"]
    lines += [f"{steps.titles[name]:<{width}}  {seconds:>12,.1f}" for name, seconds in steps.seconds.items()]
    return "\n".join(lines)


_COUNTS = ("read", "pairs", "source_tokens", "target_tokens")
