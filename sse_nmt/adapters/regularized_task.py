"""What a fairseq task does beside its own where embeddings are regularised: a mixin, before the task's own class."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fairseq.logging import metrics
from fairseq.models import BaseFairseqModel
from torch import Tensor

from sse_nmt.adapters.dropout.installation import install_fast_dropout
from sse_nmt.adapters.one_sentence import says_one_sentence
from sse_nmt.adapters.padding import padding_asked_once
from sse_nmt.adapters.precision.bfloat16 import announce, in_bfloat16
from sse_nmt.adapters.sse.gold_loss import gold_loss, log_gold_loss
from sse_nmt.adapters.sse.installation import SeededLabels, Side, install, replaced_ids
from sse_nmt.adapters.sse.schedule import Schedule
from sse_nmt.methods.sse import Transition
from sse_nmt.system.errors import OptionError
from sse_nmt.system.options import check_options

if TYPE_CHECKING:
    from fairseq.tasks import FairseqTask as Task
else:
    Task = object

logger = logging.getLogger(__name__)


class RegularizedTask(Task):
    """Perturbs the look-ups of ``sides``, and the gold labels, in training alone.

    Checkpoints are interchangeable with those of the plain task. A task says what is its own: the sides, how labels are
    replaced, and how often each token stands in its training text.
    """

    @says_one_sentence
    def regularize(self, options: Any, schema: Any) -> None:
        """To be called once the task knows its dictionaries. Raises OptionError for options that cannot be."""
        check_options(options, schema, OptionError)
        self._options = options
        self._sides = list(self.sides(options))
        self._schedule = Schedule(options.sse_warmup_updates, options.sse_decay_updates)
        self._labels: SeededLabels | None = None

    def sides(self, options: Any) -> Sequence[Side]:
        """Which embeddings of the model are perturbed, and how."""
        raise NotImplementedError

    def label_transition(self, prob: float) -> Transition:
        """What gold labels are replaced by."""
        raise NotImplementedError

    def count_rows(self, part: str, lines: int | None = None) -> Tensor:
        """How often each row stands in the first ``lines`` of the training text of that part of the model: (V,)."""
        raise NotImplementedError

    def build_model(self, cfg: Any, from_checkpoint: bool = False) -> BaseFairseqModel:
        model = super().build_model(cfg, from_checkpoint)
        if from_checkpoint:
            self.prepare_to_load(model)
            logger.info("a model from a checkpoint is to translate or to validate: left without SSE")
            return model
        self.install(model)
        return model

    def prepare_to_load(self, model: BaseFairseqModel) -> None:
        """Give a model the shape that its checkpoint has; for tasks whose options change it."""

    @says_one_sentence
    def install(self, model: BaseFairseqModel) -> None:
        """What the options ask for, in a model that is to be trained."""
        options = self._options
        install(model, self._sides, options.seed, self._schedule, self.count_rows)
        if options.sse_prob_label > 0.0:
            self._labels = SeededLabels(self.label_transition(options.sse_prob_label), options.seed)
        if options.fast_dropout:
            install_fast_dropout(model)
        if options.cpu_bf16:
            announce()

    def train_step(
        self,
        sample: dict[str, Any],
        model: BaseFairseqModel,
        criterion: Any,
        optimizer: Any,
        update_num: int,
        ignore_grad: bool = False,
    ) -> tuple[Any, Any, dict[str, Any]]:
        called = in_bfloat16(criterion) if self._options.cpu_bf16 else criterion
        step = (model, called, optimizer, update_num, ignore_grad)
        sample = padding_asked_once(sample)
        if self._labels is None:
            loss, size, logged = super().train_step(sample, *step)
        else:
            replaced = {**sample, "target": self._labels(sample["target"], update_num)}
            with gold_loss(criterion, sample["target"]) as gold:
                loss, size, logged = super().train_step(replaced, *step)
            logged = {**logged, **gold}
        counts = replaced_ids(model)
        return (
            loss,
            size,
            {**logged, **{_logged(side): counts[side.part] for side in self._sides if side.part in counts}},
        )

    def reduce_metrics(self, logging_outputs: list[dict[str, Any]], criterion: Any) -> None:
        super().reduce_metrics(logging_outputs, criterion)
        log_gold_loss(logging_outputs)
        for name in map(_logged, self._sides):
            counts = [log[name] for log in logging_outputs if name in log]
            if counts:
                metrics.log_scalar(name, sum(counts), priority=910, round=1)


def _logged(side: Side) -> str:
    return f"sse_replaced_{side.name}"
