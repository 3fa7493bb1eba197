"""What metrics count in each sentence, kept beside the translations, since counting takes minutes (TER above all).

FOLDER/<name>.{hyp,ref}   translations and references
FOLDER/<name>.stats.npz   counts of each metric (sentences, counts), its signature, and a digest of both texts
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics.base import Metric

from sse_nmt.evaluation.scoring import signatures
from sse_nmt.system.atomic_files import atomic_write

Statistics = NDArray[np.float64]  # (sentences, counts)


def count(metric: Metric, hypotheses: Sequence[str], references: Sequence[str]) -> Statistics:
    """What ``metric`` counts in each sentence: all that its score, and that of any resample, depends on."""
    return np.array(metric._extract_corpus_statistics(list(hypotheses), [list(references)]), dtype=np.float64)


def corpus_score(metric: Metric, total: NDArray[np.float64]) -> float:
    """The score of a text whose sentences' counts sum up to ``total``."""
    return float(metric._compute_score_from_stats(list(total)).score)


def scores_of(counts: dict[str, Statistics], measures: dict[str, Metric]) -> dict[str, Any]:
    """Metric -> score of the whole text, and signature."""
    named = signatures(measures)
    return {
        name: {"score": corpus_score(metric, counts[name].sum(axis=0)), "signature": named[name]}
        for name, metric in measures.items()
    }


def sentence_statistics(
    path: Path, hypotheses: Sequence[str], references: Sequence[str], measures: dict[str, Metric]
) -> dict[str, Statistics]:
    """Those of ``measures``: as kept at ``path`` for these texts and signatures, else counted, and kept if possible."""
    named = signatures(measures)
    digest = _digest(hypotheses, references)
    kept = _read(path, digest, len(references))
    found = {
        name: kept[name][1] if name in kept and kept[name][0] == named[name] else count(metric, hypotheses, references)
        for name, metric in measures.items()
    }
    if any(name not in kept or kept[name][0] != named[name] for name in measures):
        with contextlib.suppress(PermissionError):  # somebody else's run: its scores can be compared all the same
            _write(path, digest, found, named)
    return found


def _write(path: Path, digest: str, found: dict[str, Statistics], named: dict[str, str]) -> None:
    arrays = {f"counts {name}": values for name, values in found.items()}
    texts = {f"signature {name}": np.array(named[name]) for name in found}
    with atomic_write(path, "wb") as file:
        np.savez_compressed(file, digest=np.array(digest), **arrays, **texts)  # type: ignore[arg-type]


def _read(path: Path, digest: str, sentences: int) -> dict[str, tuple[str, Statistics]]:
    """Metric -> signature and counts; nothing if there is no such file, or it is of other texts or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["digest"]) != digest:
                return {}
            names = [key.removeprefix("counts ") for key in file.files if key.startswith("counts ")]
            found = {name: (str(file[f"signature {name}"]), file[f"counts {name}"]) for name in names}
    except Exception:  # numpy's reading of arbitrary bytes ends in a dozen ways; what is not read is counted again
        return {}
    return {
        name: (signature, counts)
        for name, (signature, counts) in found.items()
        if counts.dtype == np.float64 and counts.ndim == 2 and len(counts) == sentences
    }


def _digest(hypotheses: Sequence[str], references: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for lines in (hypotheses, references):
        digest.update("\n".join(lines).encode() + b"\0")
    return digest.hexdigest()
