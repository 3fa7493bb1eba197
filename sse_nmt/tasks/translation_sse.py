"""fairseq's translation task with Stochastic Shared Embeddings on the encoder's and the decoder's input."""

# No postponed annotations here: fairseq reads the types of the fields.
from dataclasses import dataclass, field
from typing import Any

from fairseq.data import Dictionary
from fairseq.models import BaseFairseqModel
from fairseq.tasks import register_task
from fairseq.tasks.translation import TranslationConfig, TranslationTask

from sse_nmt.tasks.dropout_installation import install_fast_dropout
from sse_nmt.tasks.resumable_batches import ResumableBatches
from sse_nmt.tasks.sse_installation import SeededLabels, Side, install
from sse_nmt.tasks.sse_options import SSEConfig, label_probability, source_probability, target_probability


@dataclass
class TranslationSSEConfig(TranslationConfig, SSEConfig):
    fast_dropout: bool = field(
        default=False,
        metadata={"help": "cheaper dropout masks on CPU; other masks than without, so results differ by chance"},
    )


@register_task("translation_sse", dataclass=TranslationSSEConfig)
class TranslationSSETask(ResumableBatches, TranslationTask):
    """Translation, with source ids and previous output ids perturbed in training (Wu et al. 2019, sec. 4.3).

    Checkpoints are interchangeable with those of the plain `translation` task. Validation and generation
    never perturb.
    """

    cfg: TranslationSSEConfig

    def __init__(self, cfg: TranslationSSEConfig, src_dict: Dictionary, tgt_dict: Dictionary) -> None:
        super().__init__(cfg, src_dict, tgt_dict)
        self._source_prob = source_probability(cfg)
        self._target_prob = target_probability(cfg)
        label_prob = label_probability(cfg)
        self._labels = SeededLabels(label_prob, tgt_dict, cfg.seed) if label_prob > 0.0 else None

    def build_model(self, cfg: Any, from_checkpoint: bool = False) -> BaseFairseqModel:
        model = super().build_model(cfg, from_checkpoint)
        source = Side("encoder", self._source_prob, self.src_dict)
        target = Side("decoder", self._target_prob, self.tgt_dict)
        install(model, [source, target], self.cfg.seed)
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
        return super().train_step(sample, model, criterion, optimizer, update_num, ignore_grad)
