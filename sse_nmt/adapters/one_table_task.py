"""What the tasks have in common whose models have one table of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fairseq import utils
from torch import Tensor

from sse_nmt.adapters.frequency.tables import counts_in_text
from sse_nmt.adapters.noise.options import noise_of, rate_of
from sse_nmt.adapters.regularized_task import RegularizedTask
from sse_nmt.adapters.sse.installation import Side, transition_of_labels
from sse_nmt.adapters.sse.options import graph_of
from sse_nmt.methods.sse import Transition


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
