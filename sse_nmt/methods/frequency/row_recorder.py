"""Which rows of a table an update looked up, as the ids tell."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn


class RowRecorder:
    """Marks the rows that embeddings look up in training, for the counters of CF-SGD.

    Without it `FrequencyAwareSGD` takes the rows with a gradient. The ids tell more where a row that was looked up may
    have a gradient of exactly 0 (half precision that underflows, masked positions), and where a row has one though
    it was not looked up (a table tied to an output layer). Marks live as long as a gradient: those of several
    micro-batches add up, `FrequencyAwareSGD` clears them at `step` and at `zero_grad`. Over several processes a row
    counts if any of them looked it up; all must then step, as they must to share gradients.

    Recorded are look-ups in training mode with gradients on; a row of padding, which never has one, is not.

    Args:
        embeddings: those that look the tables up; several may share one.
        process_group: the processes that share gradients; all of them when None.

    Raises:
        TypeError: no nn.Embedding, or one with a look-up of its own: the rows it sees may be others than its ids.
    """

    def __init__(self, *embeddings: nn.Embedding, process_group: distributed.ProcessGroup | None = None) -> None:
        for embedding in embeddings:
            _check_plain(embedding)
        self._process_group = process_group
        # uint8, which every backend can reduce
        self._marks = {
            e.weight: torch.zeros(len(e.weight), dtype=torch.uint8, device=e.weight.device) for e in embeddings
        }
        self._hooks = [e.register_forward_pre_hook(self._mark, with_kwargs=True) for e in embeddings]

    def __contains__(self, table: object) -> bool:
        return table in self._marks

    def rows(self, table: Tensor) -> Tensor:
        """(V,) bool: looked up since the last `clear`, in any process."""
        marks = self._marks[table] = self._marks[table].to(table.device)
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(marks, distributed.ReduceOp.MAX, self._process_group)
        return marks.bool()

    def clear(self) -> None:
        for marks in self._marks.values():
            marks.zero_()

    def remove(self) -> None:
        """Takes the hooks off the embeddings."""
        for hook in self._hooks:
            hook.remove()

    def _mark(self, embedding: nn.Embedding, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        if not (embedding.training and torch.is_grad_enabled()):
            return
        ids = arguments[0] if arguments else keywords["input"]
        marks = self._marks[embedding.weight] = self._marks[embedding.weight].to(ids.device)
        marks.index_fill_(0, ids.reshape(-1).long(), 1)
        if embedding.padding_idx is not None:
            marks[embedding.padding_idx].zero_()


def _check_plain(embedding: nn.Embedding) -> None:
    kind = type(embedding).__name__
    if not isinstance(embedding, nn.Embedding):
        raise TypeError(f"`embeddings` must be of nn.Embedding, but one is a {kind} instead.")
    if type(embedding).forward is not nn.Embedding.forward:
        raise TypeError(f"`embeddings` must be looked up as nn.Embedding does, but {kind} has a look-up of its own.")
