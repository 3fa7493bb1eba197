"""What many tests share: a toy corpus, prepared once, and a run trained on it once."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

# fairseq-train and the others are those of this environment, whether or not it is activated.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
# In models as small as ours a second thread costs more than it brings.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Where a command takes more, threads that wait must not keep the core from the test beside it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import newstest_cache

os.environ["SACREBLEU"] = str(newstest_cache.FOLDER)  # before anything imports sacreBLEU

import import_server
import pytest
from robustness.table import as_markdown
from toy_corpus import sentences

from sse_nmt.cli import main
from sse_nmt.corpora import newstest
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.prepare import prepare
from sse_nmt.system.atomic_files import write_lines

newstest.SENTENCES.update(dict.fromkeys(newstest.SENTENCES, newstest_cache.SENTENCES))
_CHILDREN = str(Path(__file__).parent / "children")
_PYTHONPATH = os.environ.get("PYTHONPATH", "")
if _CHILDREN not in _PYTHONPATH.split(os.pathsep):  # as it is where one process runs tests for another
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (_CHILDREN, _PYTHONPATH)))

ROOT = Path(__file__).resolve().parent.parent
NO_OPTIONS = {
    "model": {"_name": "transformer"},
    "task": {"_name": "translation"},
}  # what a `cfg` must have
MadeOnce = Callable[[str, Callable[[Path], None]], Path]


# Long ones first, so that no worker is left with one of them at the end (`--no-loadscope-reorder` keeps the order).
_FIRST = (
    "studies/test_smoke.py", "studies/test_study.py", "training/test_train.py", "translation/test_translator.py",
    "studies/test_slurm.py", "bench/test_bench_gpu.py", "bench/test_bench_decode.py", "training/test_hardware.py",
)  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in a shell's background; children would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("numprocesses", None):  # here, in the process that starts those that run tests
        start_import_server()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="what takes long too, as scripts/test.sh has it")
    parser.addoption("--long", action="store_true", help="try thousands of inputs and hundreds of kills (robustness)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in as_markdown().splitlines():
        terminalreporter.write_line(line)


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--long"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "slow" in item.keywords and not config.getoption("--slow"):
            item.add_marker(pytest.mark.skip(reason="takes long: with --slow"))
    order = {str(Path(__file__).parent / name): place for place, name in enumerate(_FIRST)}
    items.sort(key=lambda item: order.get(str(item.path), len(order)))


_MANY = 30  # tests, from which on a server is worth its start


def pytest_collection_finish(session: pytest.Session) -> None:
    if len(session.items) >= _MANY:
        start_import_server()


def start_import_server() -> None:
    """That of tests/children/import_server.py, one for this process and all that it starts."""
    if import_server.ADDRESS in os.environ or sys.platform != "linux":
        return
    address = Path(tempfile.mkdtemp(prefix="sse_nmt_tests_")) / "server"
    log = open(address.with_suffix(".log"), "w")
    subprocess.Popen([sys.executable, f"{_CHILDREN}/import_server.py", str(address)], stdout=log, stderr=log)
    os.environ |= {import_server.ADDRESS: str(address), import_server.SETTINGS: import_server.settings()}


@pytest.fixture
def real_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of processes themselves: of how they start, are killed, and end."""
    monkeypatch.delenv(import_server.ADDRESS, raising=False)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """A folder by its name, filled by the first test process that asks for it and shared by all."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        folder, done = root / name, root / f"{name}.done"
        with open(root / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                fill(folder)
                done.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def toy_text(made_once: MadeOnce) -> tuple[Path, Path]:
    """(English, German), 200 lines each."""

    def fill(folder: Path) -> None:
        pairs = sentences(200)
        write_lines(folder / "toy.en", [source for source, _ in pairs])
        write_lines(folder / "toy.de", [target for _, target in pairs])

    folder = made_once("toy-text", fill)
    return folder / "toy.en", folder / "toy.de"


@pytest.fixture(scope="session")
def toy_options(toy_text: tuple[Path, Path]) -> PrepareOptions:
    source, target = map(str, toy_text)
    return PrepareOptions("files", source=source, target=target, valid=20, test=20, vocab_size=80, max_ratio=3.0)


@pytest.fixture(scope="session")
def toy_data(toy_options: PrepareOptions, made_once: MadeOnce) -> Path:
    """What `sse-nmt prepare files` makes of the toy corpus."""
    return made_once("toy-data", lambda folder: prepare(toy_options, folder))


def heed_signals() -> None:
    """For a child: what starts the tests in the background may ignore some, and children inherit that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


_LIMIT = 280  # seconds


def run_command(*words: str, cwd: Path | None = None, **arguments: object) -> subprocess.CompletedProcess[str]:
    """An installed command, or `python -m`, as a user would type it; no check of its status.

    It is killed shortly before its test has to end: in a pool's thread no signal would stop the wait for it.
    """
    arguments.setdefault("timeout", _LIMIT)
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, **arguments)  # type: ignore[call-overload]


def sse_nmt(*words: str | Path, cwd: Path | None = None, **arguments: object) -> subprocess.CompletedProcess[str]:
    return run_command(sys.executable, "-m", "sse_nmt", *map(str, words), cwd=cwd, **arguments)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def sse_nmt_here(*words: str | Path) -> None:
    """The same in this process, where imports are paid for already; SystemExit where it ends with a status."""
    main(list(map(str, words)))


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path, after_news: bool = False) -> str:
    """The sentence with which the command line ends in this process, without the program's name before it.

    Nothing else may be printed, but for news of what was done before if ``after_news``.
    """
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        sse_nmt_here(*words)
    printed = capsys.readouterr()
    assert (end.value.code, printed.out) == (1, "")
    *news, sentence = printed.err.splitlines()
    assert sentence.startswith("sse-nmt: ") and (after_news or not news), printed.err
    return sentence.removeprefix("sse-nmt: ")


SMALLER = [
    *("--set", "model.encoder_embed_dim=32", "--set", "model.decoder_embed_dim=32"),
    *("--set", "model.encoder_layers=1", "--set", "model.decoder_layers=1", "--set", "model.dropout=0"),
    *("--set", "lr_scheduler.warmup_updates=50", "--set", "optimization.lr=[0.005]"),
    *("--set", "dataset.max_tokens=400", "--set", "common.log_interval=20"),
    *("--set", "dataset.validate_interval=5", "--set", "checkpoint.save_interval=5"),
]


@pytest.fixture(scope="session")
def toy_runs(toy_data: Path, made_once: MadeOnce) -> dict[str, Path]:
    """A baseline and an SSE run on the toy corpus, trained and evaluated as the command line does it."""
    names = ("baseline", "sse_se")

    def fill(folder: Path) -> None:
        systems = [f"{ROOT}/configs/quickstart/{name}.yaml={folder / name}" for name in names]
        done = sse_nmt("train", toy_data, *systems, "--updates", "300", *SMALLER)
        assert done.returncode == 0, done.stderr
        for name in names:
            sse_nmt_here("evaluate", folder / name)

    folder = made_once("toy-runs", fill)
    return {name: folder / name for name in names}
