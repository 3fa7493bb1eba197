"""What a run of an example leaves, and the table of many.

    python examples/runs.py runs/matrix_factorization --baseline plain

A run is a file SYSTEM.SEED.npz: of each test unit (a user, a sentence, a document) a sum and a count for every
metric, so that units can be resampled.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sse_nmt.evaluation.significance import SAMPLES, SEED, Resampled, difference, holm
from sse_nmt.system.atomic_files import atomic_write
from sse_nmt.system.errors import UserError
from sse_nmt.system.memory import keep_memory

Units = tuple[Any, Any]  # sums and counts, (units,) each
_FROM_MEAN: dict[str, Callable[[float], float]] = {"RMSE": math.sqrt, "perplexity": math.exp}


def save_run(options: argparse.Namespace, units: Mapping[str, Units], curve: Sequence[float]) -> None:
    """Keep it in ``options.output``, and say its scores."""
    settings = {name: value for name, value in vars(options).items() if not isinstance(value, Path)}
    arrays = {
        f"{metric} {what}": np.asarray(each, np.float32)
        for metric, pair in units.items()
        for what, each in zip(("sums", "counts"), pair, strict=True)
    }
    path = options.output / f"{options.system}.{options.seed}.npz"
    with atomic_write(path, "wb") as file:  # whoever is asked for a run that is there does not train it again
        np.savez_compressed(file, settings=json.dumps(settings), curve=np.asarray(curve, np.float32), **arrays)
    scores = ", ".join(f"{metric} {_score(metric, *pair):.4f}" for metric, pair in units.items())
    print(
        f"{options.system}, seed {options.seed}: {scores}; best of {len(curve)} validations {_best(curve, units):.4f}"
    )


def scorer_options(doc: str | None) -> argparse.Namespace:
    """What a scorer of fairseq's checkpoints is told."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("checkpoints", type=Path)
    parser.add_argument("--system", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    return parser.parse_args()


def start(main: Callable[[], None]) -> None:
    """Large matrices are made again and again; what cannot be is said in a sentence."""
    keep_memory()
    try:
        main()
    except UserError as error:
        sys.exit(f"{Path(sys.argv[0]).stem}: {error}")


def _best(curve: Sequence[float], units: Mapping[str, Units]) -> float:
    lower_is_better = next(iter(units)) in _FROM_MEAN
    return min(curve) if lower_is_better else max(curve)


def _score(metric: str, sums: Any, counts: Any) -> float:
    mean = float(np.asarray(sums, np.float64).sum() / np.asarray(counts, np.float64).sum())
    return _FROM_MEAN.get(metric, float)(mean)


def read_runs(folder: Path) -> dict[str, dict[str, list[Units]]]:
    """System -> metric -> the units of each run, in the order of the files' names."""
    systems: dict[str, dict[str, list[Units]]] = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as arrays:
            for name in arrays:
                metric, _, what = name.rpartition(" ")
                if what == "sums":
                    runs = systems.setdefault(path.name.split(".")[0], {}).setdefault(metric, [])
                    runs.append((arrays[name].astype(np.float64), arrays[f"{metric} counts"].astype(np.float64)))
    return systems


def _resampled(metric: str, runs: Sequence[Units]) -> Resampled:
    """The score of each run, and its mean over runs on each resample; the resamples are the same for every system."""
    units = len(runs[0][0])
    drawn = np.random.default_rng(SEED).multinomial(units, np.full(units, 1 / units), SAMPLES).astype(np.float64)
    scores = [[_score(metric, row @ sums, row @ counts) for row in drawn] for sums, counts in runs]
    return Resampled(np.array([_score(metric, *run) for run in runs]), np.mean(scores, axis=0))


def table(folder: Path, baseline: str) -> str:
    """Markdown: of each system the metrics, ± their deviation over seeds, and how far the first one is from the
    baseline's, with p by Holm's correction over the table."""
    systems = read_runs(folder)
    if baseline not in systems:
        sys.exit(f"{folder} must hold runs of {baseline}, but holds those of {', '.join(systems) or 'none'}.")
    names = [baseline, *(name for name in systems if name != baseline)]
    shapes = [{(metric, len(sums)) for metric in runs for sums, _ in runs[metric]} for runs in systems.values()]
    if any(each != shapes[0] or len(each) != len(systems[baseline]) for each in shapes):
        sys.exit(f"{folder} must hold runs of the same metrics on the same units, but holds others too.")
    metrics = list(systems[baseline])
    resampled = {name: _resampled(metrics[0], systems[name][metrics[0]]) for name in names}
    differences = {name: difference(resampled[baseline], resampled[name]) for name in names[1:]}
    p_values = holm({name: each.p_value for name, each in differences.items()})
    lines = [
        f"| system | runs | {' | '.join(metrics)} | Δ {metrics[0]} | 95 % interval | p |",
        "|---|---:|" + "---:|" * (len(metrics) + 3),
    ]
    for name in names:
        cells = [name, str(len(resampled[name].runs))]
        for metric in metrics:
            runs = np.array([_score(metric, *run) for run in systems[name][metric]])
            cells.append(f"{runs.mean():.4f}" + (f" ± {runs.std(ddof=1):.4f}" if len(runs) > 1 else ""))
        if name in differences:
            each, p = differences[name], p_values[name]
            cells += [f"{each.value:+.4f}", f"[{each.low:+.4f}, {each.high:+.4f}]", "" if p is None else f"{p:.3f}"]
        lines.append(f"| {' | '.join(cells + [''] * (len(metrics) + 5 - len(cells)))} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--baseline", default="plain")
    options = parser.parse_args()
    print(table(options.folder, options.baseline))


if __name__ == "__main__":
    start(main)
