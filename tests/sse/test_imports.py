"""The method knows torch and the standard library, nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sse_nmt

PACKAGE = Path(sse_nmt.__file__).parent


def imported(room: str) -> dict[Path, set[str]]:
    """Full names of the modules that each file of a room imports."""
    found: dict[Path, set[str]] = {}
    for path in (PACKAGE / room).glob("*.py"):
        names = found.setdefault(path, set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module or "")
    return found


@pytest.mark.parametrize("room", ["sse", "losses", "dropout", "factorized", "frequency"])
def test_the_heart_imports_torch_and_the_standard_library_only(room):
    allowed = {"torch", *sys.stdlib_module_names}
    for path, names in imported(room).items():
        outside = {n for n in names if n.split(".")[0] not in allowed and not n.startswith(f"sse_nmt.{room}")}
        assert not outside, f"{path.name} imports {outside}"


def test_text_and_scores_know_nothing_of_the_method():
    for room in ("corpora", "evaluation"):
        for path, names in imported(room).items():
            assert not any(name.startswith(("sse_nmt.sse", "fairseq")) for name in names), path.name


def test_the_method_works_where_fairseq_is_missing():
    code = "import sys; sys.modules['fairseq'] = None; import sse_nmt.sse; print(sse_nmt.sse.share_embeddings.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent)
    assert done.stdout.strip() == "share_embeddings", done.stderr
