"""What the cells of a study came to, corpus by corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sse_nmt.evaluation.comparison import PRIMARY, Comparison, compare
from sse_nmt.evaluation.meta_analysis import Combined, combine
from sse_nmt.evaluation.significance import Difference, holm
from sse_nmt.evaluation.suites import OneText
from sse_nmt.evaluation.verdicts import verdict
from sse_nmt.studies.cells import Cell, data_of
from sse_nmt.studies.specification import CorpusOfStudy, Study
from sse_nmt.system.atomic_files import read_json
from sse_nmt.system.errors import UserError


@dataclass(frozen=True)
class CorpusResult:
    """``comparison`` is of the cells that are done, at least one of them the baseline's."""

    name: str
    pairs: int  # that trained
    training: Path  # their text in the target language
    comparison: Comparison
    curve: tuple[str, int] | None  # as the study has it


@dataclass(frozen=True)
class SystemResult:
    """A system beside the baseline, on each corpus and on all together where two can be combined.

    Args:
        differences: corpus -> difference.
        p_values: corpus -> p after Holm's correction over the systems there.
        combined_p: that of ``combined``, after Holm's correction over the systems that have one.
    """

    name: str
    differences: dict[str, Difference]
    p_values: dict[str, float | None]
    combined: Combined | None
    combined_p: float | None = None

    @property
    def verdict(self) -> str | None:
        """One sentence, worded as interval and p allow; None where nothing can be said yet."""
        if self.combined is not None:
            whole, count = self.combined, sum(each.p_value is not None for each in self.differences.values())
            return verdict(self.name, whole.value, whole.low, whole.high, self.combined_p, f"over {count} corpora")
        corpus = next((name for name, p in self.p_values.items() if p is not None), next(iter(self.p_values)))
        each = self.differences[corpus]
        return verdict(self.name, each.value, each.low, each.high, self.p_values[corpus], f"on {corpus}")


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
        training = data / "text" / f"train.{done[0].run.languages[1]}"
        comparison = compare(runs, OneText(text), study.baseline)
        results.append(CorpusResult(name, pairs, training, comparison, corpus.curve))
    if not results:
        raise UserError("A report needs cells of the baseline and of another system that are done, but there are none.")
    return results


def system_results(study: Study, results: Sequence[CorpusResult]) -> list[SystemResult]:
    """Every system but the baseline, in the study's order."""
    found = []
    for system in study.systems:
        compared = {
            result.name: each
            for result in results
            for each in result.comparison.systems
            if each.name == system.name and each.differences
        }
        if compared:
            differences = {name: each.differences[each.suite.primary][PRIMARY] for name, each in compared.items()}
            p_values = {name: each.p_value for name, each in compared.items()}
            found.append(SystemResult(system.name, differences, p_values, _combined(list(differences.values()))))
    corrected = holm({each.name: None if each.combined is None else each.combined.p_value for each in found})
    return [replace(each, combined_p=corrected[each.name]) for each in found]


def _combined(differences: Sequence[Difference]) -> Combined | None:
    """Those that have two seeds a side, and an error at all."""
    usable = [each for each in differences if each.p_value is not None and each.standard_error > 0]
    if len(usable) < 2:
        return None
    return combine([each.value for each in usable], [each.standard_error for each in usable])
