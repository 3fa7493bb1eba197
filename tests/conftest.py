"""What many tests share: a toy corpus, prepared once, and a run trained on it once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# fairseq-train and the others are those of this environment, whether or not it is activated.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
# In models as small as ours a second thread costs more than it brings.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from toy_corpus import sentences

from sse_nmt.atomic_files import write_lines
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.prepare import prepare

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def toy_text(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(English, German), 200 lines each."""
    folder = tmp_path_factory.mktemp("toy-text")
    pairs = sentences(200)
    write_lines(folder / "toy.en", [source for source, _ in pairs])
    write_lines(folder / "toy.de", [target for _, target in pairs])
    return folder / "toy.en", folder / "toy.de"


@pytest.fixture(scope="session")
def toy_options(toy_text: tuple[Path, Path]) -> PrepareOptions:
    source, target = map(str, toy_text)
    return PrepareOptions("files", source=source, target=target, valid=20, test=20, pieces=80, max_ratio=3.0)


@pytest.fixture(scope="session")
def toy_data(toy_options: PrepareOptions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `sse-nmt prepare files` makes of the toy corpus."""
    folder = tmp_path_factory.mktemp("toy-data")
    prepare(toy_options, folder)
    return folder


def run_command(*words: str, cwd: Path | None = None, **arguments: object) -> subprocess.CompletedProcess[str]:
    """An installed command, or `python -m`, as a user would type it; no check of its status."""
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, **arguments)  # type: ignore[call-overload]


def sse_nmt(*words: str | Path, cwd: Path | None = None, **arguments: object) -> subprocess.CompletedProcess[str]:
    return run_command(sys.executable, "-m", "sse_nmt", *map(str, words), cwd=cwd, **arguments)


@pytest.fixture(scope="session")
def toy_runs(toy_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A baseline and an SSE run on the toy corpus, trained and evaluated through the command line."""
    folder = tmp_path_factory.mktemp("toy-runs")
    runs = {name: folder / name for name in ("baseline", "sse_se")}
    systems = [f"{ROOT}/configs/quickstart/{name}.yaml={run}" for name, run in runs.items()]
    smaller = [
        *("--set", "model.encoder_embed_dim=32", "--set", "model.decoder_embed_dim=32"),
        *("--set", "model.encoder_layers=1", "--set", "model.decoder_layers=1", "--set", "model.dropout=0"),
        *("--set", "lr_scheduler.warmup_updates=50", "--set", "optimization.lr=[0.005]"),
        *("--set", "dataset.max_tokens=400", "--set", "common.log_interval=20"),
        *("--set", "dataset.validate_interval=5", "--set", "checkpoint.save_interval=5"),
    ]
    done = sse_nmt("train", toy_data, *systems, "--updates", "300", *smaller)
    assert done.returncode == 0, done.stderr
    for run in runs.values():
        done = sse_nmt("evaluate", run)
        assert done.returncode == 0, done.stderr
    return runs
