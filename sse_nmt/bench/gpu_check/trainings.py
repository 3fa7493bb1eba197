"""Short trainings with `sse-nmt train`: each precision beside the plain task, and one that was cut in two."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import torch

import sse_nmt
from sse_nmt.bench.gpu_check.findings import Finding
from sse_nmt.bench.made_up_bitext import write_bitext
from sse_nmt.runs.checkpoints import load_checkpoint
from sse_nmt.runs.paths import RunPaths
from sse_nmt.runs.training_log import parse, validation_curve
from sse_nmt.system.child_processes import run_child, start_child

PART = "training"
PRECISIONS: dict[str, tuple[str, ...]] = {"fp32": (), "fp16": ("common.fp16=true",), "bf16": ("common.bf16=true",)}
SYSTEMS = {"translation": "baseline", "translation_sse": "sse_se"}
_CONFIGURATIONS = Path(sse_nmt.__file__).parent.parent / "configs" / "quickstart"
_PAIRS, _PIECES = 5_000, 1_000
_CLOSE = 0.05  # of the plain task's validation loss; SSE costs a little of it so early
_CUT = "fp32"
_LOG_INTERVAL = "common.log_interval=5"
_LOOK_INTERVAL = 0.1  # seconds


def check_trainings(precisions: Collection[str], updates: int, folder: Path, seed: int) -> Iterator[Finding]:
    """All precisions at a time, for they are not timed; a made-up text of 5,000 pairs, the quickstart's model."""
    data = _prepared(folder, seed)
    train = partial(_command, data, updates, seed)
    with ThreadPoolExecutor() as pool:
        whole = {
            precision: pool.submit(_run, *train(folder / precision, SYSTEMS, PRECISIONS[precision]))
            for precision in precisions
        }
        cut = pool.submit(_run_cut, train(folder / "cut", ["translation_sse"], PRECISIONS[_CUT]), updates // 2)
        for precision, training in whole.items():
            training.result()
            yield _losses(precision, folder / precision)
        at = cut.result()
    yield _resumed(folder, at)


def _prepared(folder: Path, seed: int) -> Path:
    source, target = folder / "text.en", folder / "text.de"
    write_bitext(source, target, _PAIRS, seed)
    words = ["--source", str(source), "--target", str(target), "--valid", "200", "--test", "200"]
    words += ["--vocab-size", str(_PIECES), "--seed", str(seed)]
    _run("prepare", "files", str(folder / "data"), *words)
    return folder / "data"


def _command(
    data: Path, updates: int, seed: int, runs: Path, systems: Collection[str], settings: Sequence[str]
) -> list[str]:
    """One at a time: on a CPU the number of threads decides in which order is added up."""
    pairs = [f"{_CONFIGURATIONS / SYSTEMS[name]}.yaml={runs / SYSTEMS[name]}" for name in systems]
    every = f"checkpoint.save_interval_updates={max(1, updates // 4)}"
    words = [word for setting in (*settings, _LOG_INTERVAL, every) for word in ("--set", setting)]
    return ["train", str(data), *pairs, "--updates", str(updates), "--seed", str(seed), "--jobs", "1", *words]


def _run(*words: str) -> None:
    run_child([sys.executable, "-m", "sse_nmt", *words], f"`sse-nmt {words[0]}` failed", merged=True)


def _run_cut(words: Sequence[str], update: int) -> int:
    """End the training once it has got that far, and start it again; how far it was then."""
    log = RunPaths(Path(words[2].partition("=")[2])).log
    with start_child([sys.executable, "-m", "sse_nmt", *words], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and _updates(log) < update:
            time.sleep(_LOOK_INTERVAL)
        process.terminate()
    at = _updates(log)
    _run(*words)
    return at


def _updates(log: Path) -> int:
    if not log.exists():
        return 0
    records = [parse(line) for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    return max((int(record.values.get("num_updates", 0)) for record in records if record is not None), default=0)


def _losses(precision: str, runs: Path) -> Finding:
    plain, own = (_last_loss(runs / run) for run in SYSTEMS.values())
    difference = own / plain - 1
    return Finding(
        PART, precision, math.isfinite(own) and abs(difference) < _CLOSE,
        {"translation, bits": plain, "translation_sse, bits": own, "difference": f"{difference:+.1%}"},
    )  # fmt: skip


def _last_loss(run: Path) -> float:
    curve = validation_curve(RunPaths(run).log)
    return curve[-1][1] if curve else math.nan


def _resumed(folder: Path, at: int) -> Finding:
    """The parameters of the training that was started twice, and of the one that was not."""
    name = SYSTEMS["translation_sse"]
    cut, whole = (load_checkpoint(RunPaths(folder / part / name).last)["model"] for part in ("cut", _CUT))
    same = cut.keys() == whole.keys() and all(torch.equal(cut[key], whole[key]) for key in whole)
    furthest = max(float((cut[key].double() - whole[key].double()).abs().max()) for key in whole)
    return Finding(PART, f"{_CUT}, started again", same, {"cut at update": at, "largest difference": f"{furthest:.3g}"})
