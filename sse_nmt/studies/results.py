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
from sse_nmt.studies.cells import Cell
from sse_nmt.studies.study import Study
from sse_nmt.system.atomic_files import sha256_of
from sse_nmt.system.errors import UserError
from sse_nmt.text.manifest import read_manifest


@dataclass(frozen=True)
class CorpusResult:
    """``comparison`` is of the cells that are done, at least one of them the baseline's.

    Args:
        name: of the corpus, and of the text if that is from elsewhere.
        pairs: that trained.
        training: their text in the target language.
        test: a digest of the references.
        curve: as the study has it.
    """

    name: str
    corpus: str
    pairs: int
    training: Path
    test: str
    comparison: Comparison
    curve: tuple[str, int] | None


@dataclass(frozen=True)
class SystemResult:
    """A system beside the baseline, on each corpus and on all together where two can be combined.

    Args:
        differences: corpus -> difference.
        p_values: corpus -> p after Holm's correction over the systems there.
        corpora: those that are combined.
        combined_p: that of ``combined``, after Holm's correction over the systems that have one.
    """

    name: str
    differences: dict[str, Difference]
    p_values: dict[str, float | None]
    corpora: list[str]
    combined: Combined | None
    combined_p: float | None = None

    @property
    def together(self) -> str:
        """What the combined difference is called, with the corpora that it is of where they are not all."""
        return "combined" + ("" if len(self.corpora) == len(self.differences) else f": {', '.join(self.corpora)}")

    @property
    def verdict(self) -> str | None:
        """Worded as intervals and p allow, of each corpus where they are not combined; None where nothing can be said
        yet.
        """
        if self.combined is not None:
            whole, where = self.combined, f"over {len(self.corpora)} corpora"
            return verdict(self.name, whole.value, whole.low, whole.high, self.combined_p, where)
        said = [
            verdict(self.name, each.value, each.low, each.high, self.p_values[corpus], f"on {corpus}")
            for corpus, each in self.differences.items()
        ]
        return " ".join(each for each in said if each is not None) or None


def corpus_results(study: Study, cells: Sequence[Cell], text: str) -> list[CorpusResult]:
    """Of every corpus on which the baseline and another system are done.

    Raises:
        UserError: there is none.
    """
    results = [_result(study, of_corpus, name, text) for name, of_corpus in _comparable(study, cells).items()]
    if not results:
        raise UserError("A report needs cells of the baseline and of another system that are done, but there are none.")
    return results


def results_elsewhere(study: Study, cells: Sequence[Cell]) -> list[CorpusResult]:
    """Of the same corpora on test texts that are not their own."""
    return [
        _result(study, of_corpus, each.name, text)
        for of_corpus in _comparable(study, cells).values()
        for text, each in of_corpus[0].elsewhere.items()
    ]


def _comparable(study: Study, cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Corpus -> its cells that are done, where there is something to compare."""
    done: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.state == "done":
            done.setdefault(cell.corpus.name, []).append(cell)
    systems = {name: {cell.system.name for cell in of_corpus} for name, of_corpus in done.items()}
    return {
        name: of_corpus
        for name, of_corpus in done.items()
        if study.baseline in systems[name] and len(systems[name]) > 1
    }


def _result(study: Study, cells: Sequence[Cell], name: str, text: str) -> CorpusResult:
    runs = [(cell.system.name, cell.run.path) for cell in cells]
    of_baseline = next(cell for cell in cells if cell.system.name == study.baseline)
    pairs = read_manifest(of_baseline.data)["pairs"]["train"]
    training = of_baseline.data / "text" / f"train.{of_baseline.run.languages[1]}"
    test = sha256_of([of_baseline.run.scored(text).references])
    comparison = compare(runs, OneText(text), study.baseline)
    corpus = of_baseline.corpus
    return CorpusResult(name, corpus.name, pairs, training, test, comparison, corpus.curve)


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
            corpora = _of_their_own([each for each in results if _can_be_combined(differences.get(each.name))])
            combined = _combined([differences[name] for name in corpora])
            found.append(SystemResult(system.name, differences, p_values, corpora, combined))
    corrected = holm({each.name: None if each.combined is None else each.combined.p_value for each in found})
    return [replace(each, combined_p=corrected[each.name]) for each in found]


def _can_be_combined(difference: Difference | None) -> bool:
    """It has two seeds a side, and an error at all."""
    return difference is not None and difference.p_value is not None and difference.standard_error > 0


def _of_their_own(results: Sequence[CorpusResult]) -> list[str]:
    """Corpora with a test text of their own, the largest of each text: the others tell of the same one once more."""
    largest: dict[str, CorpusResult] = {}
    for each in results:
        if each.test not in largest or each.pairs > largest[each.test].pairs:
            largest[each.test] = each
    return [each.name for each in largest.values()]


def _combined(differences: Sequence[Difference]) -> Combined | None:
    if len(differences) < 2:
        return None
    return combine([each.value for each in differences], [each.standard_error for each in differences])
