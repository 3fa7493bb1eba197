"""Whichever of fairseq and sse_nmt is imported first, the task is known."""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from conftest import ROOT, run_command

USER_DIR = (
    "from argparse import Namespace; from fairseq.utils import import_user_module; "
    f"import_user_module(Namespace(user_dir={str(ROOT / 'sse_nmt')!r}))"
)
KNOWN = (
    "from fairseq.tasks import TASK_REGISTRY; assert 'translation_sse' in TASK_REGISTRY; "
    "import torch; assert not torch.backends.cuda.cudnn_sdp_enabled()"
)
ORDERS = {
    "user dir alone": USER_DIR,
    "ours first, then the user dir": f"import sse_nmt; {USER_DIR}",
    "ours first, then fairseq": "import sse_nmt; import fairseq",
    "a room of ours first": "import sse_nmt.methods.sse; import fairseq.tasks",
    "fairseq first": "import fairseq; import sse_nmt",
    "the task itself": "import sse_nmt.tasks.translation_sse",
}


@pytest.fixture(scope="module")
def new_process() -> ForkServerContext:
    """Starts processes that know nothing yet of fairseq and of us, but have imported what takes seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "scipy.stats", "sklearn.metrics"])
    return context


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_task_is_registered(order, new_process):
    fresh = "import sys; assert not {'fairseq', 'sse_nmt'} & set(sys.modules), 'imported before'"
    path = f"sys.path.append({str(ROOT)!r})"
    process = new_process.Process(target=exec, args=("\n".join((fresh, path, order, KNOWN, USER_DIR, KNOWN)), {}))
    process.start()
    process.join()
    assert process.exitcode == 0


def test_importing_the_package_loads_neither_torch_nor_fairseq(tmp_path: Path):
    code = "import sys, sse_nmt; assert not {'torch', 'fairseq'} & set(sys.modules)"
    done = run_command(sys.executable, "-c", f"import sys; sys.path.append({str(ROOT)!r})\n{code}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_an_option_that_cannot_be_is_one_sentence_in_fairseq_s_commands_too(toy_data, tmp_path):
    words = [
        str(toy_data / "bin"),
        "--user-dir",
        str(ROOT / "sse_nmt"),
        "--task",
        "translation_sse",
        "--arch",
        "transformer",
        "--cpu",
    ]
    words += ["--optimizer", "adam", "--max-tokens", "100", "--save-dir", str(tmp_path), "--sse-prob", "1.5"]
    done = run_command("fairseq-train", *words)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == "fairseq-train: `--sse-prob` must be in [0, 1], but is 1.5 instead."
