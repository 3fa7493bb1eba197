"""fairseq's translation task with Stochastic Shared Embeddings on the encoder's and the decoder's input."""

# No postponed annotations here: fairseq reads the types of the fields.
import logging
from dataclasses import dataclass, field
from typing import Any

from fairseq.data import Dictionary
from fairseq.models import BaseFairseqModel
from fairseq.tasks import register_task
from fairseq.tasks.translation import TranslationConfig, TranslationTask

from sse_nmt.tasks.dropout_installation import install_fast_dropout
from sse_nmt.tasks.factorized_installation import Factorization
from sse_nmt.tasks.factorized_options import FactorizedConfig
from sse_nmt.tasks.frobenius_training import FrobeniusTraining
from sse_nmt.tasks.sse_installation import SeededLabels, Side, install
from sse_nmt.tasks.sse_options import (
    SSEConfig,
    label_probability,
    source_graph,
    source_probability,
    target_graph,
    target_probability,
)
from sse_nmt.tasks.table_marks import mark_tables

logger = logging.getLogger(__name__)


@dataclass
class TranslationSSEConfig(TranslationConfig, SSEConfig, FactorizedConfig):
    fast_dropout: bool = field(
        default=False,
        metadata={"help": "cheaper dropout masks on CPU; other masks than without, so results differ by chance"},
    )


@register_task("translation_sse", dataclass=TranslationSSEConfig)
class TranslationSSETask(TranslationTask):
    """Translation, with source ids and previous output ids perturbed in training (Wu et al. 2019, sec. 4.3).

    Checkpoints are interchangeable with those of the plain `translation` task, unless layers are factorised on
    request. Validation and generation never perturb.
    """

    cfg: TranslationSSEConfig

    def __init__(self, cfg: TranslationSSEConfig, src_dict: Dictionary, tgt_dict: Dictionary) -> None:
        super().__init__(cfg, src_dict, tgt_dict)
        self._sides = [
            Side("encoder", source_probability(cfg), src_dict, source_graph(cfg)),
            Side("decoder", target_probability(cfg), tgt_dict, target_graph(cfg)),
        ]
        self._label_prob = label_probability(cfg)
        self._labels: SeededLabels | None = None
        self._factorization = Factorization(cfg)
        self._frobenius: FrobeniusTraining | None = None

    def build_model(self, cfg: Any, from_checkpoint: bool = False) -> BaseFairseqModel:
        model = super().build_model(cfg, from_checkpoint)
        if from_checkpoint:
            self._factorization.prepare_to_load(model)
            logger.info("a model from a checkpoint is to translate or to validate: left without SSE")
            return model
        self._frobenius = self._factorization.install(model)
        install(model, self._sides, self.cfg.seed)
        if self._label_prob > 0.0:
            target = self._sides[1]
            self._labels = SeededLabels(self._label_prob, target.dictionary, target.along, self.cfg.seed)
        mark_tables(model, self.cfg)
        if self.cfg.fast_dropout:
            install_fast_dropout(model)
        return model

    def train_step(
        self,
        sample: dict[str, Any],
        model: BaseFairseqModel,
        criterion: Any,
        optimizer: Any,
        update_num: int,
        ignore_grad: bool = False,
    ) -> tuple[Any, Any, dict[str, Any]]:
        if self._labels is not None:
            sample = {**sample, "target": self._labels(sample["target"], update_num)}
        if self._frobenius is not None:
            self._frobenius.attach(optimizer)
        return super().train_step(sample, model, criterion, optimizer, update_num, ignore_grad)

    def optimizer_step(self, optimizer: Any, model: BaseFairseqModel, update_num: int) -> None:
        if self._frobenius is None:
            super().optimizer_step(optimizer, model, update_num)
            return
        with self._frobenius.without_weight_decay(optimizer):
            super().optimizer_step(optimizer, model, update_num)
