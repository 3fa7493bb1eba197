"""Registers what is ours whichever of fairseq and sse_nmt comes first, without importing fairseq for it.

fairseq's ``--user-dir`` imports the package and then its tasks, but leaves a package alone that a program has
imported before: its tasks would stay unknown. Criterions and optimisers it never looks for. Importing fairseq from
here would cost every other user seconds.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

_FAIRSEQ_TASKS = "fairseq.tasks"
_TASKS = ("translation_sse", "language_modeling_sse", "masked_lm_sse", "sentence_prediction_sse")  # all of ours


def register_with_fairseq() -> None:
    """Register now if fairseq is loaded, else as soon as it is."""
    if _FAIRSEQ_TASKS in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _AfterFairseqTasks())


def _register() -> None:
    importlib.import_module("sse_nmt.runs.checkpoints").allow_harmless_classes()
    importlib.import_module("sse_nmt.adapters.resuming").install()
    importlib.import_module("sse_nmt.adapters.one_sentence").install()
    importlib.import_module("sse_nmt.adapters.old_numpy_names").install()
    importlib.import_module("sse_nmt.adapters.attention").install()
    for task in _TASKS:
        importlib.import_module(f"sse_nmt.tasks.{task}")
    importlib.import_module("sse_nmt.adapters.losses.criterion")
    importlib.import_module("sse_nmt.adapters.frequency.optimizer")


class _AfterFairseqTasks(importlib.abc.MetaPathFinder):
    """Finds `fairseq.tasks` as everybody else does, with our registration added to the end of its loading."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _FAIRSEQ_TASKS:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _ThenRegister(spec.loader)
        return spec


class _ThenRegister(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _register()
