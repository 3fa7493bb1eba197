"""SSE in Hugging Face's `Trainer`: a callback that puts it on when training begins, and takes it out at the end."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from sse_nmt.methods.perturbation import check_probability
from sse_nmt.methods.perturbed_embedding import rows_that_take_part, token_embeddings
from sse_nmt.methods.sse import KnowledgeGraph, attach
from sse_nmt.methods.sse.embedding import sse_transition
from sse_nmt.methods.update_stream import UpdateStream

logger = logging.getLogger(__name__)
_SPECIAL = ("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id")


class SSECallback(TrainerCallback):
    """``Trainer(..., callbacks=[SSECallback(prob=0.01)])``.

    The embeddings keep their class, and models that are saved know nothing of it. Draws are a function of the seed,
    ``global_step``, the process and the embedding: a resumed training draws what the unbroken one would have drawn, and
    dropout's stream is left alone. ``model.eval()`` switches it off, as `Trainer` does to evaluate and to generate.

    Args:
        prob: the probability p0 of eq. (3) and (5), Wu et al. (2019).
        names: which embeddings, by their names in ``model.named_modules()``; all that are of tokens when None.
        special_ids: ids that take no part; those of the tokenizer that `Trainer` was given, or of the model's
            configuration, when None. Rows past the end of the tokenizer never do.
        graph, rho, neighbour_mass: SSE-Graph in place of SSE-SE; as for `GraphTransition`.
        seed: of the draws; that of the training when None.

    Raises:
        ValueError: ``prob`` outside [0, 1]; when training begins, what `apply_sse` raises.
    """

    def __init__(
        self,
        prob: float = 0.01,
        *,
        names: Iterable[str] | None = None,
        special_ids: Iterable[int] | None = None,
        graph: KnowledgeGraph | None = None,
        rho: float | None = None,
        neighbour_mass: float | None = None,
        seed: int | None = None,
    ) -> None:
        self.prob = check_probability("prob", prob)
        self.names = None if names is None else list(names)
        self.special_ids = None if special_ids is None else list(special_ids)
        self.seed = seed
        self._graph = (graph, rho, neighbour_mass)
        self._streams: list[UpdateStream] = []
        self._handles: list[RemovableHandle] = []

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.remove()  # of a training that was broken off
        model, tokenizer = kwargs["model"], kwargs.get("processing_class")
        seed = args.seed if self.seed is None else self.seed
        for name, embedding in self._embeddings(model).items():
            candidates = self._candidates(model, embedding, tokenizer)
            transition = sse_transition(len(embedding.weight), self.prob, candidates, *self._graph)
            stream = UpdateStream(seed, name)
            self._handles.append(attach(embedding, transition, stream.on))
            self._streams.append(stream)
            logger.info("SSE on %s: p0 = %g, %d of %d rows", name, self.prob, len(candidates), len(embedding.weight))

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        for stream in self._streams:
            stream.set_num_updates(state.global_step)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Take SSE out; for a training that ended with an error."""
        for handle in self._handles:
            handle.remove()
        self._handles, self._streams = [], []

    def _embeddings(self, model: nn.Module) -> dict[str, nn.Embedding]:
        """Each once, by one of its names."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # positions, types: every model has some
            places = token_embeddings(model, "SSE", self.names)
        first = {id(embedding): name for name, embedding in reversed(places.items())}
        return {name: embedding for name, embedding in places.items() if first[id(embedding)] == name}

    def _candidates(self, model: nn.Module, embedding: nn.Embedding, tokenizer: Any) -> list[int]:
        is_tokenizer = hasattr(tokenizer, "all_special_ids")  # it may process images or sounds
        if self.special_ids is not None:
            special = self.special_ids
        elif is_tokenizer:
            special = tokenizer.all_special_ids
        else:
            ids = (getattr(model.config, name, None) for name in _SPECIAL)
            special = [each for each in ids if each is not None]
        known = len(tokenizer) if is_tokenizer else embedding.num_embeddings
        return [row for row in rows_that_take_part(embedding, set(special)) if row < known]
