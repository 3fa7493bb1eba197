"""What a check found: lines with figures, each passed or failed or a figure alone, and the files they end in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sse_nmt.system.atomic_files import atomic_write
from sse_nmt.system.tables import markdown_table

_MARKS = {True: "pass", False: "**FAIL**", None: ""}


@dataclass(frozen=True)
class Finding:
    """One line of one part. ``passed`` is None where there is nothing to pass."""

    part: str
    line: str
    passed: bool | None = None
    figures: Mapping[str, float | str] = field(default_factory=dict)


@dataclass
class Report:
    """Grows part by part, and so do its files: a driver may end the process at any time."""

    folder: Path
    machine: Mapping[str, str]
    findings: list[Finding] = field(default_factory=list)

    def collect(self, part: str, findings: Callable[[], Iterator[Finding]]) -> None:
        """All that a part finds, into ``gpu_check.json`` and ``gpu_check.md``.

        What it raises is a failed line: the parts after it still run.
        """
        try:
            self.findings.extend(findings())
        except Exception as error:  # whatever a driver, a kernel or a child process may come up with
            words = str(error).strip().splitlines() or [""]
            self.findings.append(Finding(part, "ended early", False, {"error": f"{type(error).__name__}: {words[0]}"}))
        self._write()

    @property
    def failed(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.passed is False]

    def _write(self) -> None:
        said = {"machine": dict(self.machine), "findings": [asdict(finding) for finding in self.findings]}
        with atomic_write(self.folder / "gpu_check.json") as file:
            json.dump(said, file, indent=1, ensure_ascii=False)
            file.write("\n")
        with atomic_write(self.folder / "gpu_check.md") as file:
            file.write(self.markdown())

    def markdown(self) -> str:
        parts = list(dict.fromkeys(finding.part for finding in self.findings))
        tables = [f"## {part}\n\n{self._table(part)}\n" for part in parts]
        machine = markdown_table(("machine", ""), [*self.machine.items()], left=(0, 1))
        return "\n".join([f"{machine}\n", *tables])

    def _table(self, part: str) -> str:
        own = [finding for finding in self.findings if finding.part == part]
        names = list(dict.fromkeys(name for finding in own for name in finding.figures))
        rows = [
            (each.line, *(_shown(each.figures.get(name, "")) for name in names), _MARKS[each.passed]) for each in own
        ]
        return markdown_table(("", *names, ""), rows)


def _shown(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
