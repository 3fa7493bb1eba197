"""The shell scripts: what they refuse, and that set-up is done once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import ROOT, heed_signals, run_command

CHILDREN = ROOT / "scripts/children.sh"  # is sourced by the others
SCRIPTS = sorted(path for path in (ROOT / "scripts").glob("*.sh") if path != CHILDREN)
QUICKSTART = str(ROOT / "scripts/quickstart.sh")
SYSTEMS = " ".join(sorted(path.stem for path in (ROOT / "configs/wmt14_en_de").glob("*.yaml")))


@pytest.mark.parametrize("path", [*SCRIPTS, ROOT / ".ci/run"], ids=lambda path: path.name)
def test_a_script_parses_and_stops_at_the_first_error(path):
    assert run_command("bash", "-n", str(path)).returncode == 0
    assert "set -euo pipefail" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("with_signal", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_what_a_script_runs_ends_with_it(tmp_path, with_signal, status):
    script = tmp_path / "script.sh"
    script.write_text(f"set -euo pipefail\n. {CHILDREN}\nrun sh -c 'echo $$ >pid; exec sleep 60'\necho not ended\n")
    process = subprocess.Popen(
        ["bash", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True, preexec_fn=heed_signals
    )
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        time.sleep(0.02)
    process.send_signal(with_signal)
    assert process.communicate(timeout=20)[0] == "" and process.returncode == status
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_signal_that_comes_at_once_ends_it_too(tmp_path):
    """Twenty times: the child sends it, and it is there before the script knows the child's number or after."""
    script = tmp_path / "script.sh"
    script.write_text(f"set -euo pipefail\n. {CHILDREN}\nat_once() {{ kill -INT $$; exec sleep 60; }}\nrun at_once\n")
    for _ in range(20):
        done = subprocess.run(["bash", script], stdout=subprocess.PIPE, preexec_fn=heed_signals, timeout=20)
        assert (done.returncode, done.stdout) == (130, b"")


def test_a_script_ends_as_what_it_runs(tmp_path):
    script = tmp_path / "script.sh"
    script.write_text(f"set -euo pipefail\n. {CHILDREN}\nrun true\nrun sh -c 'exit 7'\necho not ended\n")
    done = run_command("bash", str(script))
    assert (done.returncode, done.stdout) == (7, "")


def test_quickstart_help_names_every_option():
    done = run_command(QUICKSTART, "--help")
    assert done.returncode == 0
    for option in (
        "--corpus",
        "--from",
        "--pairs",
        "--updates",
        "--seed",
        "--systems",
        "--output",
        "--smoke",
        "--help",
    ):
        assert f"\n  {option} " in done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--fast"], "the option '--fast' is unknown; see --help."),
        (["--pairs"], "--pairs needs a value."),
        (["--updates", "0"], "--updates must be a whole number above 0, but is '0' instead."),
        (["--seed", "one"], "--seed must be a whole number, but is 'one' instead."),
        (["--systems", "baseline,sse"], "--systems must be of baseline,rdrop,sse_graph,sse_se, but has 'sse'."),
        (["--systems", "baseline,"], "--systems must be names between commas, but is 'baseline,' instead."),
    ],
)
def test_quickstart_refuses_in_one_sentence(words, sentence):
    done = run_command(QUICKSTART, *words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"quickstart: {sentence}\n")


@pytest.mark.skipif(not (ROOT / ".venv/installed").exists(), reason="set up otherwise")
def test_a_second_set_up_takes_no_time():
    start = time.monotonic()
    done = run_command(str(ROOT / "scripts/setup.sh"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - start < 2


@pytest.fixture
def bare_machine(tmp_path: Path) -> tuple[Path, Path]:
    """(a checkout without .venv, a PATH with nothing of Python's)."""
    checkout, programs = tmp_path / "checkout", tmp_path / "bin"
    shutil.copytree(ROOT / "scripts", checkout / "scripts")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, checkout)
    programs.mkdir()
    for program in ("bash", "env", "dirname", "cat", "cksum", "flock"):
        found = shutil.which(program)
        if found:
            (programs / program).symlink_to(found)
    return checkout, programs


def test_without_python_it_names_the_package(bare_machine):
    checkout, programs = bare_machine
    done = run_command(str(checkout / "scripts/setup.sh"), env={"PATH": str(programs)})
    assert done.returncode == 1
    assert done.stderr == (
        "setup: Python 3.11 or 3.12 is needed and was not found: "
        "install the package python3 (or python3.11) of your system.\n"
    )


def test_an_activated_venv_is_not_what_the_next_is_made_of(bare_machine):
    checkout, programs = bare_machine
    python = checkout / ".venv/bin/python3"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/bash\n")
    python.chmod(0o755)
    done = run_command(str(checkout / "scripts/setup.sh"), env={"PATH": f"{python.parent}:{programs}"})
    assert done.returncode == 1 and "was not found" in done.stderr and python.exists()


def test_without_venv_it_names_the_package(bare_machine):
    checkout, programs = bare_machine
    python = programs / "python3"
    python.write_text('#!/bin/bash\n[[ "$2" != *ensurepip* ]]\n')  # the right version, without ensurepip
    python.chmod(0o755)
    done = run_command(str(checkout / "scripts/setup.sh"), env={"PATH": str(programs)})
    assert done.returncode == 1
    assert done.stderr == ("setup: Python's venv module is incomplete: install the package python3-venv.\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "DIR is needed, but 0 words were given; see --help."),
        (["--fast"], "the option '--fast' is unknown; see --help."),
    ],
)
def test_fetch_lexicons_refuses_in_one_sentence(words, sentence):
    done = run_command(str(ROOT / "scripts/fetch_lexicons.sh"), *words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"fetch_lexicons: {sentence}\n")


@pytest.mark.parametrize(
    ("script", "usage"),
    [("prepare_wmt14_en_de", "DATA [option ...]"), ("train_wmt14_en_de", "DATA RUN SYSTEM [KEY=VALUE ...]")],
)
def test_wmt14_help(script, usage):
    done = run_command(str(ROOT / f"scripts/{script}.sh"), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: scripts/{script}.sh {usage}\n")
    assert script.startswith("prepare") or f"Trains SYSTEM ({SYSTEMS}) on DATA" in done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("prepare", "DATA is needed, but no word was given; see --help."),
        ("prepare --vocab-size 9 data", "DATA must come first, but is '--vocab-size' instead; see --help."),
        ("train", "DATA, RUN and SYSTEM are needed, but 0 words were given; see --help."),
        ("train data run", "DATA, RUN and SYSTEM are needed, but 2 words were given; see --help."),
        ("train data run bert", f"SYSTEM must be one of {SYSTEMS}, but is 'bert' instead."),
    ],
)
def test_wmt14_scripts_refuse_before_they_set_anything_up(bare_machine, words, sentence):
    """Where setting up would fail, with another sentence."""
    checkout, programs = bare_machine
    shutil.copytree(ROOT / "configs", checkout / "configs")
    before = sorted(checkout.iterdir())
    script, *rest = words.split()
    done = run_command(str(checkout / f"scripts/{script}_wmt14_en_de.sh"), *rest, env={"PATH": str(programs)})
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{script}_wmt14_en_de: {sentence}\n")
    assert sorted(checkout.iterdir()) == before


@pytest.mark.parametrize("words", ["prepare data", "train data run baseline"])
def test_wmt14_scripts_set_up_what_they_need(bare_machine, words):
    """Which cannot be had here."""
    checkout, programs = bare_machine
    shutil.copytree(ROOT / "configs", checkout / "configs")
    script, *rest = words.split()
    done = run_command(str(checkout / f"scripts/{script}_wmt14_en_de.sh"), *rest, env={"PATH": str(programs)})
    assert done.returncode == 1 and done.stderr.startswith("setup: Python 3.11 or 3.12 is needed and was not found")


@pytest.mark.parametrize(("folder", "before"), [("", "--smoke"), ("bpr", "--fp16")])
def test_a_table_goes_on_with_the_options_that_it_was_begun_with(tmp_path, folder, before):
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "options.txt").write_text(before + "\n")
    done = run_command(str(ROOT / "scripts/reproduce_paper_tables.sh"), "bpr", "--output", str(tmp_path))
    assert done.returncode == 2 and f"that it was begun with, '{before}', but they are '' instead" in done.stderr


def test_tables_that_there_are_not_are_refused():
    script = str(ROOT / "scripts/reproduce_paper_tables.sh")
    done = run_command(script, "netflix", "--smoke")
    tables = "matrix_factorization bpr sasrec translation language_model classification fine_tuning"
    sentence = f"reproduce_paper_tables: a table must be one of {tables}, but is 'netflix' instead.\n"
    assert (done.returncode, done.stderr, done.stdout) == (2, sentence, "")
    done = run_command(script, "bpr", "--seeds", "none")
    assert done.returncode == 2 and "--seeds must be a whole number above 0, but is 'none'" in done.stderr
    done = run_command(script, "bpr sasrec")
    assert done.returncode == 2 and "but is 'bpr sasrec' instead." in done.stderr
    usage = run_command(script, "--help").stdout
    assert all(word in usage for word in ("--seeds", "--jobs", "--output", "--smoke", "--fp16", *tables.split()))
