"""How a model is searched, with every default."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sse_nmt.errors import UserError

ENGINES = ("ctranslate2", "fairseq")


@dataclass(frozen=True)
class SearchOptions:
    """How a model is searched; the defaults of `sse-nmt translate` and `sse-nmt evaluate`."""

    engine: str = "ctranslate2"
    beam: int = 5
    length_penalty: float = 1.0  # exponent of the length that a hypothesis' log-probability is divided by
    max_length: int = 200  # pieces
    batch_tokens: int = 4096
    compute_type: str = "float32"  # CTranslate2 only

    def check(self) -> None:
        """Raise UserError for a value that cannot be."""
        if self.engine not in ENGINES:
            raise UserError(f"The engine must be one of {', '.join(ENGINES)}, but is {self.engine!r} instead.")
        for name in ("beam", "max_length", "batch_tokens"):
            if getattr(self, name) < 1:
                raise UserError(
                    f"`--{name.replace('_', '-')}` must be at least 1, but is {getattr(self, name)} instead."
                )


@dataclass(frozen=True)
class NewstestOptions(SearchOptions):
    """How newstest2008–2018 is translated; the defaults of `sse-nmt newstest`."""

    beam: int = 4  # the usual setting for WMT14
    length_penalty: float = 0.6
    checkpoint: str = "checkpoint_best.pt"

    def search(self) -> SearchOptions:
        return SearchOptions(**{field.name: getattr(self, field.name) for field in fields(SearchOptions)})
