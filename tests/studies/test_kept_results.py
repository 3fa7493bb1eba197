"""What is kept in `results/` is of the studies as `configs/studies/` has them."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT, read_json

from sse_nmt.corpora.catalogue import options_for
from sse_nmt.corpora.options import PrepareOptions
from sse_nmt.corpora.prepare import other_option
from sse_nmt.studies.cells import Cell, cells_of
from sse_nmt.studies.changed_cells import changed_scoring, changed_setting
from sse_nmt.studies.specification import read_study

KEPT = sorted(path for path in (ROOT / "configs/studies").glob("*.yaml") if (ROOT / "results" / path.stem).is_dir())
# What their first lines say that they take from there.
OF_THE_VERDICT = ("rivals", "variants", "single_precision")
ELSEWHERE = {ROOT / "configs/studies" / f"{name}.yaml": "verdict" for name in OF_THE_VERDICT}


def prepared(cell: Cell) -> PrepareOptions:
    return options_for(cell.training.asked.what, cell.training.asked.options)


@pytest.mark.parametrize(
    ("path", "folder"),
    [*((path, path.stem) for path in KEPT), *ELSEWHERE.items()],
    ids=lambda value: value.stem if isinstance(value, Path) else value,
)
def test_its_cells_were_trained_as_the_study_says(path, folder, tmp_path):
    cells = {f"{cell.name.replace('/', '.')}.json": cell for cell in cells_of(read_study(path), tmp_path)}
    kept = [file for file in (ROOT / "results" / folder).glob("*.*.*.json") if file.name in cells]
    assert kept and (folder != path.stem or len(kept) == len(list((ROOT / "results" / folder).glob("*.*.*.json"))))
    for file in kept:
        kept, cell = read_json(file), cells[file.name]
        trained = kept["run"]["configuration"]
        assert changed_setting(cell, trained) is None, file.name
        for text in cell.texts:
            assert changed_scoring(cell, kept["scores"][text]) is None, file.name
        options = kept["run"]["data"]["options"]
        assert other_option({**options, "source": None, "target": None}, prepared(cell)) is None, file.name
        key = next(key for key in trained if key.startswith("optimization.lr"))
        assert changed_setting(cells[file.name], {**trained, key: [1.0]}) == f"`{key}` [1.0], not {trained[key]!r}"
