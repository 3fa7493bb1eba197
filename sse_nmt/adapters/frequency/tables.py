"""Tags the embedding tables of a fairseq model for optimisers that treat them in their own way."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from fairseq import utils
from fairseq.data import data_utils, indexed_dataset
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from torch import Tensor, nn

from sse_nmt.adapters.frequency.embedding_table import EmbeddingTable, tag
from sse_nmt.adapters.frequency.options import OPTIMIZERS
from sse_nmt.methods.frequency import row_frequencies
from sse_nmt.methods.module_surgery import places_of_parameter

_AT_ONCE = 10_000  # sentences: a count of each by itself would take V steps a sentence


def tag_tables(model: nn.Module, cfg: Any) -> None:
    """Tag what the encoder and the decoder of a translation model look up; a factorised embedding's narrow table.

    Only where the configuration that ``cfg`` belongs to has an optimiser that asks for it: others take what
    parameters carry for something of theirs. Frequencies are counted when they are asked for: of the binarised
    training text, sentence ends included, since encoders read them and decoders begin with them.
    """
    if optimizer_of(cfg) not in OPTIMIZERS:
        return
    for part, language in (("encoder", cfg.source_lang), ("decoder", cfg.target_lang)):
        embedding = getattr(getattr(model, part, None), "embed_tokens", None)
        table = getattr(embedding, "table", embedding)
        if isinstance(table, nn.Embedding):
            name = f"{part}.embed_tokens"
            count = partial(frequencies, cfg, language, table.num_embeddings)
            tag(table.weight, EmbeddingTable(name, _tied_to(model, name, table.weight), count))


def optimizer_of(cfg: Any) -> str | None:
    """The optimiser's name in the whole configuration that a task's is part of; None where there is none."""
    if not isinstance(cfg, DictConfig):
        return None
    try:
        name: str = OmegaConf.create({"optimizer": "${optimizer._name}"}, parent=cfg).optimizer
    except OmegaConfBaseException:
        return None
    return name


def frequencies(cfg: Any, language: str, rows: int) -> Tensor:
    """How often each id stands on that side of the training text, of all ids: (V,) float32.

    Raises:
        FileNotFoundError: there is no training text.
    """
    return row_frequencies(_ids(cfg, language), rows)


def row_counts(cfg: Any, language: str, rows: int, lines: int | None = None) -> Tensor:
    """How often each id stands in the first ``lines`` (None: all) of that side of the training text: (V,) int64."""
    return _counts(_ids(cfg, language), rows, lines)


def counts_in_text(prefixes: Sequence[str], rows: int, lines: int | None = None) -> Tensor:
    """The same of a text of one side, at the first ``prefixes`` of its binarised files: (V,) int64."""
    return _counts(_of_text(prefixes, None), rows, lines)


def _counts(parts: Iterator[Tensor], rows: int, lines: int | None) -> Tensor:
    counts = torch.zeros(rows, dtype=torch.long)
    for ids in itertools.islice(parts, None if lines is None else lines // _AT_ONCE):
        counts += torch.bincount(ids, minlength=rows)
    return counts


def _of_text(prefixes: Iterable[str], dataset_impl: str | None) -> Iterator[Tensor]:
    for prefix in prefixes:
        dataset = data_utils.load_indexed_dataset(prefix, None, dataset_impl)
        if dataset is None:
            raise FileNotFoundError(f"{prefix} must be binarised text, but there is none.")
        for start in range(0, len(dataset), _AT_ONCE):
            yield torch.cat([dataset[i] for i in range(start, min(start + _AT_ONCE, len(dataset)))])


def _ids(cfg: Any, language: str) -> Iterator[Tensor]:
    prefixes = (prefix + language for folder in utils.split_paths(cfg.data) for prefix in _prefixes(folder, cfg))
    return _of_text(prefixes, cfg.dataset_impl)


def _prefixes(folder: str, cfg: Any) -> Iterator[str]:
    """Of train, train1, …, as fairseq combines them, in either order of the languages."""
    source, target = cfg.source_lang, cfg.target_lang
    for number in itertools.count():
        split = f"{folder}/{cfg.train_subset}{number or ''}"
        candidates = (f"{split}.{source}-{target}.", f"{split}.{target}-{source}.")
        found = [prefix for prefix in candidates if indexed_dataset.dataset_exists(prefix + source, cfg.dataset_impl)]
        if not found:
            if number == 0:
                raise FileNotFoundError(f"{folder} must hold the text {cfg.train_subset!r}, but does not.")
            return
        yield found[0]


def _tied_to(model: nn.Module, name: str, table: Tensor) -> str | None:
    """The last other place of the table in the model: the output layer comes after all embeddings."""
    places = places_of_parameter(model, table)
    others = [place for place in places if place != name and not place.startswith(f"{name}.")]
    return others[-1] if others else None
