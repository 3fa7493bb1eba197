"""The command line as a whole: help, defaults, and an end without a traceback."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import heed_signals, refused, sse_nmt

import sse_nmt as package
from sse_nmt.cli import build_parser
from sse_nmt.cli.commands import COMMANDS as COMMANDS_BY_STEP

COMMANDS = [
    [],
    ["prepare"],
    ["train"],
    ["translate"],
    ["evaluate"],
    ["compare"],
    ["graph", "build", "embeddings"],
    ["graph", "show"],
    ["bench", "op"],
    ["bench", "overhead"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help(command):
    done = sse_nmt(*command, "--help")
    assert done.returncode == 0 and done.stdout.startswith(f"usage: {' '.join(['sse-nmt', *command])} ")


def leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The commands that do something."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from leaves(child)
            return
    yield parser


LEAVES = {parser.prog: parser for parser in leaves(build_parser())}


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_has_examples_that_parse(name):
    _, *examples = LEAVES[name].epilog.splitlines()
    assert examples
    for example in examples:
        words = shlex.split(example)
        assert " ".join(words).startswith(f"{name} ")
        build_parser().parse_args(words[1:])


@pytest.mark.parametrize("name", LEAVES)
def test_every_option_says_its_default_or_is_needed(name):
    for action in LEAVES[name]._actions:
        if action.option_strings and action.dest != "help" and not action.required:
            chosen = any(action in group._group_actions for group in LEAVES[name]._mutually_exclusive_groups)
            assert chosen or "(default: " in action.help, action.option_strings


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["study", "s.yaml", "--output", ""], "--output"),
        (["study", "s.yaml", "--output="], "--output"),
        (["prepare", "files", ""], "DIR"),
        (["graph", "show", ""], "GRAPH"),
    ],
)
def test_a_path_that_a_shell_made_of_nothing_is_not_the_folder_at_hand(words, what, capsys):
    with pytest.raises(SystemExit, match="2"):
        build_parser().parse_args(words)
    assert capsys.readouterr().err.endswith(f": error: argument {what}: must be a path, but is empty\n")


def test_without_a_command_all_are_listed_by_step_of_the_work():
    done = sse_nmt()
    assert done.returncode == 2
    listed = re.findall(r"^  ([a-z]+)  ", done.stderr.partition("prepare:")[2], re.MULTILINE)
    assert listed == [name for members in COMMANDS_BY_STEP.values() for name in members]
    assert all(f"{step}:" in done.stderr for step in COMMANDS_BY_STEP)


def test_help_is_there_at_once(real_processes):
    """Nothing heavy is imported to print it."""
    heavy = {"torch", "lxml", "sacrebleu", "scipy", "fairseq"}
    code = f"import sys; from sse_nmt.cli import build_parser; build_parser(); assert not {heavy} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_version():
    assert sse_nmt("--version").stdout == f"{package.__version__}\n"


@pytest.mark.parametrize("words", [[], ["prepare"], ["compare"], ["fly"], ["train", "--seed", "one", "a", "b=c"]])
def test_wrong_words_are_answered_with_the_usage(words):
    done = sse_nmt(*words)
    assert done.returncode == 2 and done.stderr.startswith("usage: sse-nmt")


@pytest.mark.slow
@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_one_sentence(real_processes, tmp_path, with_signal):
    """While it waits for a pipe that nobody writes to."""
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-m", "sse_nmt", "translate", str(tmp_path), "--input", str(tmp_path / "pipe")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed_signals)
    writer = opened_by_its_reader(tmp_path / "pipe")
    process.send_signal(with_signal)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=5)
    os.close(writer)  # a signal just before the call that waits is heard after it, by Python's own rules
    assert process.communicate(timeout=20)[1] == "sse-nmt: interrupted; started again, `prepare` and `train` go on.\n"
    assert process.returncode == 130


def test_a_second_signal_is_the_same_again_and_a_third_ends_it_at_once(real_processes, tmp_path):
    """Amid the end of a command that takes its time with it."""
    code = (
        "import signal, sys, time; from sse_nmt import cli; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def slow(arguments):\n"
        "    try: print('begun', flush=True); time.sleep(60)\n"
        "    finally: print('ending', flush=True); time.sleep(float(sys.argv[1])); print('ended', flush=True)\n"
        "cli._run = slow; cli.main([])"
    )
    for seconds, signals, status, said in (("1", 2, 130, "ended\n"), ("60", 3, 130, "")):
        process = subprocess.Popen(
            [sys.executable, "-c", code, seconds], stdout=subprocess.PIPE, text=True, preexec_fn=heed_signals
        )
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "ending\n"
        for _ in range(signals - 1):
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        assert process.communicate(timeout=20)[0] == said and process.returncode == status


@pytest.mark.slow
def test_where_nobody_takes_what_is_printed(real_processes, tmp_path):
    """Closed, full, or a pipe that is closed amid it: a sentence or nothing, no traceback, no file that gets it."""
    command = f"{sys.executable} -m sse_nmt"
    (tmp_path / "a").write_text("a line\n")
    full = "sse-nmt: The standard output cannot be read or written: No space left on device.\n"
    cases = {
        "--help >&-": (0, ""),
        "evaluate --hypotheses a --reference a >/dev/full": (1, full),
        "--help >/dev/full": (1, full),
        "prepare files --help >/dev/full": (1, full),
        "--version >/dev/full": (1, full),
        "--version 2>&- <&-": (0, ""),
        "graph show no.npz >&- 2>&-": (1, ""),
        "graph show no.npz 2>/dev/full": (1, ""),
    }
    for words, expected in cases.items():
        done = subprocess.run(["bash", "-c", f"{command} {words}"], capture_output=True, text=True, cwd=tmp_path)
        assert (done.returncode, done.stderr) == expected, words
    assert [path.name for path in tmp_path.iterdir()] == ["a"] and (tmp_path / "a").read_text() == "a line\n"


def test_names_that_are_no_text(tmp_path):
    name = os.fsdecode(bytes(tmp_path) + b"/\xff")
    for words in (["graph", "show", name], ["prepare", "files", name], ["compare", name]):
        done = sse_nmt(*words)
        sentence = f"sse-nmt: {tmp_path}/\\xff must be named in UTF-8, but is not: rename it.\n"
        assert (done.returncode, done.stderr) == (1, sentence)


def opened_by_its_reader(pipe: Path) -> int:
    """The other end of a pipe, once somebody reads from it."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            assert error.errno == errno.ENXIO and time.monotonic() < deadline
            time.sleep(0.05)


def test_evaluate_needs_one_thing_or_the_other(tmp_path, capsys):
    for words in ([], ["--hypotheses", "a"], [tmp_path, "--hypotheses", "a", "--reference", "b"]):
        sentence = refused(capsys, "evaluate", *words)
        assert sentence == "`sse-nmt evaluate` needs either RUN or both `--hypotheses` and `--reference`."


def test_evaluate_takes_no_option_in_vain(tmp_path, capsys):
    files = ["--hypotheses", "a", "--reference", "b"]
    for words, sentence in (
        ([*files, "--beam", "4"], "`--beam` is for a run, not for `--hypotheses`."),
        ([*files, "--split", "valid"], "`--split` is for a run, not for `--hypotheses`."),
        ([tmp_path, "--target-lang", "ja"], "`--target-lang` is for `--hypotheses`, not for a run."),
    ):
        assert refused(capsys, "evaluate", *words) == sentence


def test_a_folder_that_cannot_be_written(toy_text):
    done = sse_nmt("prepare", "files", "/dev/null/x", "--source", toy_text[0], "--target", toy_text[1], "--valid", "5",
                   "--test", "5", "--vocab-size", "80")  # fmt: skip
    assert done.returncode == 1 and done.stderr.splitlines()[-1].endswith("cannot be read or written: Not a directory.")


def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m sse_nmt bench op --ids 1000 --repeats 2 | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    time.sleep(0.1)
    assert "Traceback" not in done.stderr
