"""A configuration says what is trained; it has nothing called that it names."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import refused

GOOD = "task: {_name: translation}\nmodel: {_name: transformer}\n"
_KEYS = "`hydra` in a configuration must have keys among run, output_subdir, but has {!r}."
CALLS = {
    "hydra: {callbacks: {a: {_target_: os.system, command: touch called}}}": _KEYS.format("callbacks"),
    "hydra: {run: {dir: .}, launcher: {x: 1}}": _KEYS.format("launcher"),
    "hydra: {searchpath: [file:///tmp]}": _KEYS.format("searchpath"),
    "defaults: [_self_, {hydra/callbacks: evil}]": "`defaults` in a configuration must be [_self_] if any, but is "
    "['_self_', {'hydra/callbacks': 'evil'}] instead.",
    "criterion: {inner: [{_target_: os.system}]}": "A configuration must name no code to call, but has "
    "`criterion.inner.0._target_`: take it out.",
}


@pytest.mark.parametrize("text", CALLS)
def test_what_would_have_code_called_is_refused(toy_data: Path, tmp_path: Path, capsys, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.yaml").write_text(f"{GOOD}{text}\n")
    assert refused(capsys, "train", toy_data, "evil.yaml=run") == CALLS[text]
    assert [path.name for path in tmp_path.iterdir()] == ["evil.yaml"]


def test_nor_by_an_override(toy_data: Path, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD)
    said = refused(capsys, "train", toy_data, "good.yaml=run", "--set", "hydra.callbacks.a._target_=os.system")
    assert said == _KEYS.format("callbacks")
