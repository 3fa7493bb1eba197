"""fairseq's translation task with Stochastic Shared Embeddings on the encoder's and the decoder's input."""

# No postponed annotations here: fairseq reads the types of the fields.
import contextlib
import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

from fairseq.data import Dictionary
from fairseq.logging import metrics
from fairseq.models import BaseFairseqModel
from fairseq.tasks import register_task
from fairseq.tasks.translation import TranslationConfig, TranslationTask
from torch import Tensor

from sse_nmt.adapters.dropout.installation import install_fast_dropout
from sse_nmt.adapters.factorized.frobenius_training import FrobeniusTraining
from sse_nmt.adapters.factorized.installation import Factorization
from sse_nmt.adapters.factorized.options import FactorizedConfig
from sse_nmt.adapters.frequency.tables import row_counts, tag_tables
from sse_nmt.adapters.noise.options import NoiseConfig, noise_of, rate_of
from sse_nmt.adapters.one_sentence import says_one_sentence
from sse_nmt.adapters.sse.gold_loss import gold_loss, log_gold_loss
from sse_nmt.adapters.sse.installation import FIRST_LINES, SeededLabels, Side, install, log_strangers, replaced_ids
from sse_nmt.adapters.sse.options import (
    SSEConfig,
    source_graph,
    source_probability,
    target_graph,
    target_probability,
)
from sse_nmt.adapters.sse.schedule import Schedule
from sse_nmt.system.errors import OptionError
from sse_nmt.system.options import check_options, option

logger = logging.getLogger(__name__)

PARTS = {"encoder": "source", "decoder": "target"}


@dataclass
class TranslationSSEConfig(TranslationConfig, SSEConfig, NoiseConfig, FactorizedConfig):
    fast_dropout: bool = option(
        False, "cheaper dropout masks on CPU; they are other masks, so results differ by chance"
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
        self._read_options(cfg, src_dict, tgt_dict)

    @says_one_sentence
    def _read_options(self, cfg: TranslationSSEConfig, src_dict: Dictionary, tgt_dict: Dictionary) -> None:
        check_options(cfg, TranslationSSEConfig, OptionError)
        noise = noise_of(cfg)
        source, target = source_probability(cfg), target_probability(cfg)
        if noise is not None:
            source = target = rate_of(cfg)
        self._sides = [
            Side("encoder", source, src_dict, source_graph(cfg), cfg.sse_candidates_source, noise),
            Side("decoder", target, tgt_dict, target_graph(cfg), cfg.sse_candidates_target, noise),
        ]
        self._schedule = Schedule(cfg.sse_warmup_updates, cfg.sse_decay_updates)
        self._label_prob = cfg.sse_prob_label
        self._labels: SeededLabels | None = None
        self._factorization = Factorization(cfg)
        self._frobenius: FrobeniusTraining | None = None

    def build_model(self, cfg: Any, from_checkpoint: bool = False) -> BaseFairseqModel:
        model = super().build_model(cfg, from_checkpoint)
        if from_checkpoint:
            self._factorization.prepare_to_load(model)
            logger.info("a model from a checkpoint is to translate or to validate: left without SSE")
            return model
        self._install(model)
        return model

    @says_one_sentence
    def _install(self, model: BaseFairseqModel) -> None:
        """What the options ask for, in a model that is to be trained."""
        self._frobenius = self._factorization.install(model)
        install(model, self._sides, self.cfg.seed, self._schedule, self._count_rows)
        if self.cfg.data and self.cfg.source_lang:  # else a model is built for something else than training
            with contextlib.suppress(FileNotFoundError):
                log_strangers(self._sides, partial(self._count_rows, lines=FIRST_LINES))
        if self._label_prob > 0.0:
            self._labels = SeededLabels(self._label_prob, self._sides[1], self.cfg.seed)
        tag_tables(model, self.cfg)
        if self.cfg.fast_dropout:
            install_fast_dropout(model)

    def train_step(
        self,
        sample: dict[str, Any],
        model: BaseFairseqModel,
        criterion: Any,
        optimizer: Any,
        update_num: int,
        ignore_grad: bool = False,
    ) -> tuple[Any, Any, dict[str, Any]]:
        if self._frobenius is not None:
            self._frobenius.attach(optimizer)
        step = (model, criterion, optimizer, update_num, ignore_grad)
        if self._labels is None:
            loss, size, logged = super().train_step(sample, *step)
        else:
            replaced = {**sample, "target": self._labels(sample["target"], update_num)}
            with gold_loss(criterion, sample["target"]) as gold:
                loss, size, logged = super().train_step(replaced, *step)
            logged = {**logged, **gold}
        counts = {f"sse_replaced_{PARTS[part]}": count for part, count in replaced_ids(model).items()}
        return loss, size, {**logged, **counts}

    def reduce_metrics(self, logging_outputs: list[dict[str, Any]], criterion: Any) -> None:
        super().reduce_metrics(logging_outputs, criterion)
        log_gold_loss(logging_outputs)
        for name in (f"sse_replaced_{side}" for side in PARTS.values()):
            counts = [log[name] for log in logging_outputs if name in log]
            if counts:
                metrics.log_scalar(name, sum(counts), priority=910, round=1)

    def _count_rows(self, part: str, lines: int | None = None) -> Tensor:
        """How often each row stands in the first ``lines`` of the training text of that part of the model."""
        of_encoder = part == "encoder"
        language = self.cfg.source_lang if of_encoder else self.cfg.target_lang
        return row_counts(
            self.cfg, language, len(self.source_dictionary if of_encoder else self.target_dictionary), lines
        )

    def optimizer_step(self, optimizer: Any, model: BaseFairseqModel, update_num: int) -> None:
        if self._frobenius is None:
            super().optimizer_step(optimizer, model, update_num)
            return
        with self._frobenius.without_weight_decay(optimizer):
            super().optimizer_step(optimizer, model, update_num)
