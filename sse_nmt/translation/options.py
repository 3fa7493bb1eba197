"""How a model is searched, with every default."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sse_nmt.system.options import at_least, between, one_of, option

ENGINES = ("ctranslate2", "fairseq")
_GROUP = "search"


@dataclass(frozen=True)
class SearchOptions:
    """How a model is searched; the defaults of `sse-nmt translate` and `sse-nmt evaluate`."""

    engine: str = option(
        "ctranslate2", f"what translates: {', '.join(ENGINES)}", one_of(ENGINES), metavar="NAME", group=_GROUP
    )
    beam: int = option(5, "hypotheses that are kept at each step", at_least(1), group=_GROUP)
    length_penalty: float = option(
        1.0, "exponent of the length that a hypothesis' log-probability is divided by; more favours longer ones",
        between(-10, 10), group=_GROUP,
    )  # fmt: skip
    max_length: int = option(200, "longest translation, in SentencePiece pieces", at_least(1), group=_GROUP)
    batch_tokens: int | None = option(
        None, "pieces that are translated at a time", at_least(1), group=_GROUP,
        unset="what was quickest: on CPU 1,024, in int8 512; on a GPU and by fairseq 4,096",
    )  # fmt: skip
    compute_type: str = option(
        "float32", "number format of CTranslate2: float32, int8 and others", metavar="TYPE", group=_GROUP
    )
    candidates: int | None = option(
        None, "target pieces that a source piece allows, by the text of the training, which must still be there; with "
        "few, CTranslate2 is quicker", at_least(1), unset="all", group=_GROUP,
    )  # fmt: skip

    def batch(self, device: str) -> int:
        """`batch_tokens`, or what was quickest on trained models."""
        if self.batch_tokens is not None:
            return self.batch_tokens
        if self.engine != "ctranslate2" or device != "cpu":
            return 4096
        return 512 if self.compute_type.startswith("int8") else 1024

    def search(self) -> SearchOptions:
        """These alone, of a dataclass that has more."""
        return SearchOptions(**{each.name: getattr(self, each.name) for each in fields(SearchOptions)})
