"""Which pairs of sentences share a batch in training."""

# No postponed annotations here: fairseq reads the types of the fields.
from dataclasses import dataclass
from functools import partial

import numpy as np
from fairseq.data import LanguagePairDataset
from fairseq.dataclass import FairseqDataclass
from fairseq.tasks.translation import TranslationConfig
from numpy.typing import NDArray

from sse_nmt.system.errors import OptionError
from sse_nmt.system.options import option


@dataclass
class BatchingConfig(FairseqDataclass):
    sort_by_longer_side: bool = option(
        False, "batch pairs whose longer side is alike: fewer padded tokens, and more pairs a batch; other batches"
    )


def check_batching(config: TranslationConfig) -> None:
    """Raises OptionError for options that cannot be together."""
    if config.sort_by_longer_side and config.num_batch_buckets > 0:
        raise OptionError(
            f"`--num-batch-buckets` must be 0 with `--sort-by-longer-side`, but is {config.num_batch_buckets} instead: "
            "buckets have an order of their own."
        )


def sort_by_longer_side(pairs: LanguagePairDataset) -> None:
    """`--max-tokens` counts the longer side of a batch's longest pair, on which fairseq does not sort."""
    pairs.ordered_indices = partial(_by_longer_side, pairs)


def _by_longer_side(pairs: LanguagePairDataset) -> NDArray[np.int64]:
    """Among equals by the length of the target, then by chance; fairseq has seeded it."""
    order = np.random.permutation(len(pairs)) if pairs.shuffle else np.arange(len(pairs))
    source, target = pairs.src_sizes[order], pairs.tgt_sizes[order]
    return order[np.lexsort((target, np.maximum(source, target)))]
