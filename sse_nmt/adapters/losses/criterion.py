"""`--criterion fused_label_smoothed_cross_entropy`: fairseq's label-smoothed loss, in less memory; on CPU, faster."""

# No postponed annotations here: fairseq reads the types of the fields.
import logging
import weakref
from dataclasses import dataclass
from typing import Any

import torch
from fairseq.criterions import register_criterion
from fairseq.criterions.label_smoothed_cross_entropy import (
    LabelSmoothedCrossEntropyCriterion,
    LabelSmoothedCrossEntropyCriterionConfig,
)
from torch import Tensor

from sse_nmt.adapters.losses.output_layer import check_output_projection, check_plain_softmax, last_layer
from sse_nmt.adapters.memory import keep_memory_between_steps
from sse_nmt.methods.losses import SmoothedLoss, label_smoothed_cross_entropy, linear_label_smoothed_cross_entropy
from sse_nmt.system.errors import OptionError
from sse_nmt.system.options import at_least, check_options, option

logger = logging.getLogger(__name__)

NAME = "fused_label_smoothed_cross_entropy"


@dataclass
class FusedLabelSmoothedCrossEntropyConfig(LabelSmoothedCrossEntropyCriterionConfig):
    loss_chunk_tokens: int = option(
        0, "form the logits of so many target tokens at a time, to save memory; 0: of the whole batch", at_least(0)
    )


@register_criterion(NAME, dataclass=FusedLabelSmoothedCrossEntropyConfig)
class FusedLabelSmoothedCrossEntropyCriterion(LabelSmoothedCrossEntropyCriterion):
    """A drop-in for `label_smoothed_cross_entropy`: the same options, logged values and gradients.

    Forward keeps no log-probabilities; backward writes the gradient of the logits over them. With
    ``loss_chunk_tokens`` the logits of so many tokens exist at a time (for models whose decoder takes
    ``features_only`` and ends in an nn.Linear, such as the Transformer).

    Raises:
        ValueError: a negative chunk; at the first batch, a model whose output is not a plain softmax, or whose
            logits cannot be formed in chunks.
    """

    def __init__(
        self,
        task: Any,
        sentence_avg: bool,
        label_smoothing: float,
        ignore_prefix_size: int = 0,
        report_accuracy: bool = False,
        loss_chunk_tokens: int = 0,
    ) -> None:
        super().__init__(task, sentence_avg, label_smoothing, ignore_prefix_size, report_accuracy)
        self.loss_chunk_tokens = loss_chunk_tokens
        check_options(self, FusedLabelSmoothedCrossEntropyConfig, OptionError)
        in_chunks = f"in chunks of {loss_chunk_tokens} tokens" if loss_chunk_tokens else "a batch at a time"
        logger.info("criterion %s, logits %s", NAME, in_chunks)  # fairseq's log has the name it compares on resuming
        self._accuracy: tuple[Tensor, Tensor] | None = None
        self._checked: Any = None
        self._has_features = False
        keep_memory_between_steps()

    def forward(self, model: Any, sample: dict[str, Any], reduce: bool = True) -> Any:
        self._check(model)
        if not self.loss_chunk_tokens:
            return super().forward(model, sample, reduce)
        self._has_features = True
        try:
            sample = {**sample, "net_input": {**sample["net_input"], "features_only": True}}
            return super().forward(model, sample, reduce)
        finally:
            self._has_features = False

    def compute_loss(
        self, model: Any, net_output: Any, sample: dict[str, Any], reduce: bool = True
    ) -> tuple[Tensor, Tensor]:
        if self.loss_chunk_tokens and not self._has_features:
            raise OptionError(
                "`--loss-chunk-tokens` must be 0 for a task that calls the model by itself, such as translation_moe."
            )
        # (B, T), of which the prefix does not count; upstream cuts it off, which would copy the logits.
        target = model.get_targets(sample, net_output)
        if self.ignore_prefix_size > 0:
            target = target.clone()
            target[:, : self.ignore_prefix_size] = self.padding_idx
        target = target.reshape(-1)
        loss = self._loss(model, net_output[0], target, reduce)
        if loss.correct is not None:
            self._accuracy = loss.correct.sum(), target.ne(self.padding_idx).sum()
        if reduce:
            return loss.loss, loss.nll
        return loss.loss[:, None], loss.nll[:, None]  # (B T, 1), as upstream has it

    def compute_accuracy(self, model: Any, net_output: Any, sample: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """Of the loss just computed, as `forward` calls it."""
        assert self._accuracy is not None
        accuracy, self._accuracy = self._accuracy, None
        return accuracy

    def _check(self, model: Any) -> None:
        """Once a model, before it is called with anything that it does not know."""
        if self._checked is None or self._checked() is not model:
            check_plain_softmax(model)
            if self.loss_chunk_tokens:
                check_output_projection(model)
            self._checked = weakref.ref(model)

    def _loss(self, model: Any, output: Tensor, target: Tensor, reduce: bool) -> SmoothedLoss:
        """Logits (B, T, V), or features (B, T, D) if in chunks."""
        rows = output.reshape(-1, output.size(-1))
        if not self.loss_chunk_tokens:
            return label_smoothed_cross_entropy(
                rows,
                target,
                self.eps,
                ignore_index=self.padding_idx,
                reduce=reduce,
                overwrite=torch.is_grad_enabled() and not output.is_leaf,
                with_correct=self.report_accuracy,
            )
        features, weight, bias = last_layer(model, rows)
        return linear_label_smoothed_cross_entropy(
            features,
            weight,
            bias,
            target,
            self.eps,
            chunk=self.loss_chunk_tokens,
            ignore_index=self.padding_idx,
            reduce=reduce,
            with_correct=self.report_accuracy,
        )


# A resumed run asks for the criterion's class by name: runs go over from upstream's to this one and back.
FusedLabelSmoothedCrossEntropyCriterion.__name__ = LabelSmoothedCrossEntropyCriterion.__name__
