"""The rooms and their arrows are those of the table in `docs/design/architecture.md`, at every depth."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

PACKAGE = ROOT / "sse_nmt"
PAGE = ROOT / "docs/design/architecture.md"
_ROW = re.compile(r"\| `(?P<room>\w+)/` \| (?P<sentence>[^|]+?) \|(?P<arrows>[^|]*)\|")


def arrows() -> dict[str, set[str]]:
    """Room -> the rooms that it may know."""
    rows = _ROW.finditer(PAGE.read_text(encoding="utf-8"))
    return {row["room"]: set(re.findall(r"`(\w+)`", row["arrows"])) for row in rows}


def rooms() -> set[str]:
    return {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, within functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by a relative name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_table_has_the_rooms_and_nothing_is_loose():
    assert set(arrows()) == rooms()
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("room", sorted(rooms()))
def test_a_room_knows_what_the_table_allows(room):
    allowed = {room, *arrows()[room]}
    for path in (PACKAGE / room).rglob("*.py"):
        for name in imported(path):
            if name.startswith("sse_nmt."):
                assert name.split(".")[1] in allowed | {"__version__"}, f"{path.relative_to(PACKAGE)} imports {name}"


def test_the_arrows_go_down():
    """No room can be reached from itself."""
    known = arrows()

    def below(room: str) -> set[str]:
        return known[room].union(*(below(each) for each in known[room]))

    assert all(room not in below(room) for room in known)


@pytest.mark.parametrize("room", sorted(rooms()))
def test_a_room_says_what_it_is_for(room):
    """In the same words as the table."""
    sentences = {row["room"]: row["sentence"] for row in _ROW.finditer(PAGE.read_text(encoding="utf-8"))}
    docstring = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8")))
    assert docstring is not None and " ".join(docstring.split("\n\n")[0].split()) == sentences[room]


def test_the_methods_import_torch_and_the_standard_library_only():
    allowed = {"torch", "triton", *sys.stdlib_module_names}  # Triton comes with torch for GPUs
    shared = [f"sse_nmt.methods.{path.stem}" for path in (PACKAGE / "methods").glob("*.py") if path.stem != "__init__"]
    shared.append("sse_nmt.methods.sse.transition")  # by which rivals replace ids too
    for path in (PACKAGE / "methods").rglob("*.py"):
        own = ".".join(("sse_nmt", *path.relative_to(PACKAGE).parts[:2])).removesuffix(".py")
        for name in imported(path):
            known = name.split(".")[0] in allowed or name.startswith((own, *shared))
            assert known, f"{path.relative_to(PACKAGE)} imports {name}"


def test_fairseq_is_known_to_adapters_tasks_and_bench_only():
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE)
        if place.parts[0] not in ("adapters", "tasks", "bench"):
            assert not any(name.startswith("fairseq") for name in imported(path)), str(place)


def test_a_method_stands_in_two_places_under_one_name():
    methods, adapters = (
        {path.name for path in (PACKAGE / room).iterdir() if (path / "__init__.py").is_file()}
        for room in ("methods", "adapters")
    )
    assert adapters == methods


def test_nobody_but_runs_spells_the_names_of_a_run_folder():
    names = re.compile(r"[\"'/](run\.json|train\.log|training\.yaml|checkpoint_(best|last)\.pt)[\"'/]")
    for path in PACKAGE.rglob("*.py"):
        if "runs" not in path.parts:
            assert not names.search(path.read_text(encoding="utf-8")), str(path)


def test_no_program_is_in_a_string():
    for path in PACKAGE.rglob("*.py"):
        assert '"-c"' not in path.read_text(encoding="utf-8"), str(path)


def test_files_are_small():
    for path in PACKAGE.rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 250, str(path)


def test_the_methods_work_where_fairseq_is_missing():
    code = "import sys; sys.modules['fairseq'] = None; from sse_nmt.methods import sse; print(sse.apply_sse.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "apply_sse", done.stderr
