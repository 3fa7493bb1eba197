"""What the tasks have in common whose models have one table of tokens."""

# No postponed annotations here: fairseq reads the types of the fields.
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fairseq import utils
from torch import Tensor

from sse_nmt.adapters.dropout.options import DropoutConfig
from sse_nmt.adapters.frequency.tables import counts_in_text
from sse_nmt.adapters.noise.options import NoiseConfig, noise_of, rate_of
from sse_nmt.adapters.precision.options import PrecisionConfig
from sse_nmt.adapters.regularized_task import RegularizedTask
from sse_nmt.adapters.sse.installation import Side, transition_of_labels
from sse_nmt.adapters.sse.options import OneTableSSEConfig, graph_of
from sse_nmt.methods.sse import Transition


@dataclass
class OneTableConfig(OneTableSSEConfig, NoiseConfig, DropoutConfig, PrecisionConfig):
    """All that the tasks have beside fairseq's."""


class OneTableTask(RegularizedTask):
    """``PART``: what holds `embed_tokens` in the model; ``TEXT``: the training text, below a folder of the data."""

    PART: str
    TEXT = "train"

    def sides(self, options: Any) -> Sequence[Side]:
        noise = noise_of(options)
        prob = options.sse_prob if noise is None else rate_of(options)
        return [Side(self.PART, prob, self.source_dictionary, graph_of(options), options.sse_candidates, noise)]

    def label_transition(self, prob: float) -> Transition:
        return transition_of_labels(prob, replace(self._sides[0], dictionary=self.target_dictionary))

    def count_rows(self, part: str, lines: int | None = None) -> Tensor:
        prefixes = [f"{folder}/{self.TEXT}" for folder in utils.split_paths(self._options.data)]
        return counts_in_text(prefixes, len(self.source_dictionary), lines)
