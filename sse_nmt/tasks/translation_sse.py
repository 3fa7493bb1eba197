"""fairseq's translation task with Stochastic Shared Embeddings on the encoder's and the decoder's input."""

# No postponed annotations here: fairseq reads the types of the fields.
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fairseq.data import Dictionary
from fairseq.models import BaseFairseqModel
from fairseq.tasks import register_task
from fairseq.tasks.translation import TranslationConfig, TranslationTask
from torch import Tensor

from sse_nmt.adapters.batching import BatchingConfig, check_batching, sort_by_longer_side
from sse_nmt.adapters.dropout.options import DropoutConfig
from sse_nmt.adapters.factorized.frobenius_training import FrobeniusTraining
from sse_nmt.adapters.factorized.installation import Factorization
from sse_nmt.adapters.factorized.options import FactorizedConfig
from sse_nmt.adapters.frequency.tables import row_counts, tag_tables
from sse_nmt.adapters.noise.options import NoiseConfig, noise_of, rate_of
from sse_nmt.adapters.one_sentence import says_one_sentence
from sse_nmt.adapters.precision.options import PrecisionConfig
from sse_nmt.adapters.regularized_task import RegularizedTask
from sse_nmt.adapters.sse.installation import FIRST_LINES, Side, Transition, log_strangers, transition_of_labels
from sse_nmt.adapters.sse.options import SSEConfig, source_graph, source_probability, target_graph, target_probability


@dataclass
class TranslationSSEConfig(
    TranslationConfig, SSEConfig, NoiseConfig, FactorizedConfig, DropoutConfig, PrecisionConfig, BatchingConfig
):
    pass


@register_task("translation_sse", dataclass=TranslationSSEConfig)
class TranslationSSETask(RegularizedTask, TranslationTask):
    """Translation, with source ids and previous output ids perturbed in training (Wu et al. 2019, sec. 4.3).

    Checkpoints are interchangeable with those of the plain `translation` task, unless layers are factorised on
    request. Validation and generation never perturb.
    """

    cfg: TranslationSSEConfig

    def __init__(self, cfg: TranslationSSEConfig, src_dict: Dictionary, tgt_dict: Dictionary) -> None:
        super().__init__(cfg, src_dict, tgt_dict)
        self.regularize(cfg, TranslationSSEConfig)
        self._frobenius: FrobeniusTraining | None = None

    @says_one_sentence
    def regularize(self, options: TranslationSSEConfig, schema: Any) -> None:
        super().regularize(options, schema)
        self._factorization = Factorization(options)
        check_batching(options)

    def load_dataset(self, split: str, epoch: int = 1, combine: bool = False, **named: Any) -> None:
        super().load_dataset(split, epoch, combine, **named)
        if self.cfg.sort_by_longer_side and split == self.cfg.train_subset:
            sort_by_longer_side(self.datasets[split])

    def sides(self, options: TranslationSSEConfig) -> Sequence[Side]:
        noise = noise_of(options)
        source, target = source_probability(options), target_probability(options)
        if noise is not None:
            source = target = rate_of(options)
        along = source_graph(options), target_graph(options)
        only_in = options.sse_candidates_source, options.sse_candidates_target
        return [
            Side("encoder", source, self.src_dict, along[0], only_in[0], noise, "source"),
            Side("decoder", target, self.tgt_dict, along[1], only_in[1], noise, "target"),
        ]

    def label_transition(self, prob: float) -> Transition:
        return transition_of_labels(prob, self._sides[1])

    def count_rows(self, part: str, lines: int | None = None) -> Tensor:
        of_encoder = part == "encoder"
        language = self.cfg.source_lang if of_encoder else self.cfg.target_lang
        return row_counts(self.cfg, language, len(self.src_dict if of_encoder else self.tgt_dict), lines)

    def prepare_to_load(self, model: BaseFairseqModel) -> None:
        self._factorization.prepare_to_load(model)

    @says_one_sentence
    def install(self, model: BaseFairseqModel) -> None:
        self._frobenius = self._factorization.install(model)
        super().install(model)
        if self.cfg.data and self.cfg.source_lang:  # else a model is built for something else than training
            with contextlib.suppress(FileNotFoundError):
                log_strangers(self._sides, partial(self.count_rows, lines=FIRST_LINES))
        tag_tables(model, self.cfg)

    def train_step(
        self, sample: dict[str, Any], model: BaseFairseqModel, criterion: Any, optimizer: Any, *rest: Any, **named: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        if self._frobenius is not None:
            self._frobenius.attach(optimizer)
        return super().train_step(sample, model, criterion, optimizer, *rest, **named)

    def optimizer_step(self, optimizer: Any, model: BaseFairseqModel, update_num: int) -> None:
        if self._frobenius is None:
            super().optimizer_step(optimizer, model, update_num)
            return
        with self._frobenius.without_weight_decay(optimizer):
            super().optimizer_step(optimizer, model, update_num)
