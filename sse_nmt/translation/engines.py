"""Two engines that translate pieces: CTranslate2 for speed, fairseq as the reference."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import ctranslate2

from sse_nmt.runs.model import Model
from sse_nmt.runs.plain_checkpoint import plain_model
from sse_nmt.system.child_processes import run_child
from sse_nmt.system.errors import UserError
from sse_nmt.system.machine import cores
from sse_nmt.system.options import check_options
from sse_nmt.system.progress import log_line
from sse_nmt.system.user_dir import USER_DIR
from sse_nmt.translation.conversion import convert
from sse_nmt.translation.options import SearchOptions
from sse_nmt.translation.vocabulary_map import VocabularyMap


class Engine(Protocol):
    def translate(self, lines: Sequence[list[str]]) -> list[list[str]]:
        """Pieces of each source line -> pieces of its best translation; no line is empty."""
        ...


def engine(model: Model, options: SearchOptions, cache: Path, vocabulary_map: VocabularyMap | None = None) -> Engine:
    """The engine that ``options`` ask for; ``cache`` keeps a converted model."""
    check_options(options)
    model.check()
    if options.engine == "fairseq":
        if vocabulary_map is not None:
            raise UserError("`--candidates` needs the engine ctranslate2, but `--engine` is fairseq: leave one out.")
        return FairseqEngine(model, options)
    return CTranslate2Engine(model, options, cache, vocabulary_map)


class CTranslate2Engine:
    """CTranslate2, whose model is loaded by the first translation; ``device``, cuda or cpu, is sure after it."""

    def __init__(
        self, model: Model, options: SearchOptions, cache: Path, vocabulary_map: VocabularyMap | None = None
    ) -> None:
        self._options = options
        self._mapped = vocabulary_map is not None
        self._path = convert(model, cache, vocabulary_map)
        self._translator: ctranslate2.Translator | None = None
        self.device = "cuda" if ctranslate2.get_cuda_device_count() > 0 else "cpu"

    def translate(self, lines: Sequence[list[str]]) -> list[list[str]]:
        try:
            return self._translate(lines)
        except RuntimeError as error:  # CTranslate2 wants CUDA libraries of its own, perhaps not those of torch
            if self.device == "cpu":
                raise
            log_line(f"CTranslate2 cannot use the GPU, translating on the CPU: {error}")
            self.device, self._translator = "cpu", None
            return self._translate(lines)

    def _translate(self, lines: Sequence[list[str]]) -> list[list[str]]:
        if self._translator is None:
            self._translator = self._load()
        results = self._translator.translate_batch(
            list(lines),
            beam_size=self._options.beam,
            length_penalty=self._options.length_penalty,
            max_decoding_length=self._options.max_length,
            max_batch_size=self._options.batch(self.device),
            batch_type="tokens",
            use_vmap=self._mapped,
        )
        return [result.hypotheses[0] for result in results]

    def _load(self) -> ctranslate2.Translator:
        try:
            return ctranslate2.Translator(
                str(self._path),
                device=self.device,
                compute_type=self._options.compute_type,
                inter_threads=cores() if self.device == "cpu" else 1,  # a batch each: faster than all on one
                intra_threads=1,
            )
        except ValueError as error:
            raise UserError(f"CTranslate2 cannot load the model on {self.device}: {error}") from error


class FairseqEngine:
    def __init__(self, model: Model, options: SearchOptions) -> None:
        self._model = model
        self._options = options

    def translate(self, lines: Sequence[list[str]]) -> list[list[str]]:
        text = "".join(" ".join(line) + "\n" for line in lines)
        with tempfile.TemporaryDirectory() as folder:
            command = self._command(plain_model(self._model, Path(folder)), len(lines))
            printed = run_child(command, "fairseq-interactive failed", input=text)
        found = [line.split("\t") for line in printed.split("\n") if line.startswith("H-")]
        best = {int(tag.removeprefix("H-")): pieces.split() for tag, _, pieces in found}
        return [best[number] for number in range(len(lines))]

    def _command(self, model: Model, lines: int) -> list[str]:
        options = self._options
        return [
            sys.executable, "-m", "fairseq_cli.interactive", str(model.dictionaries),
            "--user-dir", USER_DIR, "--task", "translation", "--path", str(model.checkpoint),
            "--source-lang", model.source_lang, "--target-lang", model.target_lang,
            "--beam", str(options.beam), "--lenpen", str(options.length_penalty),
            "--max-len-a", "0", "--max-len-b", str(options.max_length),
            "--max-tokens", str(options.batch("cpu")), "--buffer-size", str(lines),
        ]  # fmt: skip
