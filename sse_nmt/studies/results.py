"""What the cells of a study came to, corpus by corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sse_nmt.evaluation.comparison import PRIMARY, Comparison, compare
from sse_nmt.evaluation.meta_analysis import Combined, combine
from sse_nmt.evaluation.significance import Difference
from sse_nmt.evaluation.suites import OneText
from sse_nmt.studies.cells import Cell, data_of
from sse_nmt.studies.specification import CorpusOfStudy, Study
from sse_nmt.system.atomic_files import read_json
from sse_nmt.system.errors import UserError


@dataclass(frozen=True)
class CorpusResult:
    """``comparison`` is of the cells that are done, at least one of them the baseline's."""

    name: str
    pairs: int  # that trained
    data: Path
    comparison: Comparison
    curve: tuple[str, int] | None  # as the study has it


@dataclass(frozen=True)
class SystemResult:
    """A system beside the baseline: corpus -> difference, and all of them combined where two can be."""

    name: str
    differences: dict[str, Difference]
    combined: Combined | None

    @property
    def verdict(self) -> str:
        """One sentence, worded as the interval allows."""
        corpora = list(self.differences)
        if self.combined is not None:
            value, low, high = self.combined.value, self.combined.low, self.combined.high
            where = f"over {len([d for d in self.differences.values() if d.p_value is not None])} corpora"
        elif len(corpora) == 1 and self.differences[corpora[0]].p_value is not None:
            only = self.differences[corpora[0]]
            value, low, high, where = only.value, only.low, only.high, f"on {corpora[0]}"
        else:
            return f"Of {self.name} nothing can be said yet: that takes two seeds of it and of the baseline."
        what = "is ahead of the baseline" if low > 0 else "is behind the baseline" if high < 0 else (
            "is not shown to differ from the baseline"
        )  # fmt: skip
        return f"{self.name} {what}: {value:+.2f} {PRIMARY} [{low:+.2f}, {high:+.2f}] {where}."


def corpus_results(study: Study, cells: Sequence[Cell], text: str) -> list[CorpusResult]:
    """Of every corpus on which the baseline and another system are done.

    Raises:
        UserError: there is none.
    """
    results = []
    corpora: dict[str, CorpusOfStudy] = {cell.corpus.name: cell.corpus for cell in cells}
    for name, corpus in corpora.items():
        done = [cell for cell in cells if cell.corpus.name == name and cell.state == "done"]
        systems = {cell.system.name for cell in done}
        if study.baseline not in systems or len(systems) < 2:
            continue
        runs = [(cell.system.name, cell.run.path) for cell in done]
        data = data_of(done[0].folder, corpus)
        pairs = int(read_json(data / "manifest.json")["pairs"]["train"])
        results.append(CorpusResult(name, pairs, data, compare(runs, OneText(text), study.baseline), corpus.curve))
    if not results:
        raise UserError("A report needs cells of the baseline and of another system that are done, but there are none.")
    return results


def system_results(study: Study, results: Sequence[CorpusResult]) -> list[SystemResult]:
    """Every system but the baseline, in the study's order."""
    found = []
    for system in study.systems:
        differences = {
            result.name: each.differences[result.comparison.suite.primary][PRIMARY]
            for result in results
            for each in result.comparison.systems
            if each.name == system.name and each.differences
        }
        if differences:
            found.append(SystemResult(system.name, differences, _combined(list(differences.values()))))
    return found


def _combined(differences: Sequence[Difference]) -> Combined | None:
    """Those that have two seeds a side, and an error at all."""
    usable = [each for each in differences if each.p_value is not None and each.standard_error > 0]
    if len(usable) < 2:
        return None
    return combine([each.value for each in usable], [each.standard_error for each in usable])
