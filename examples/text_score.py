"""Scores a training of fairseq's on test text: a language model's perplexity, or a classifier's accuracy.

    python examples/text_score.py data/text/lm/bin checkpoints/sse_se.1 --system sse_se --seed 1 --output runs/lm

The checkpoint is the one that fairseq found best on validation; how it is trained is in
`scripts/reproduce_paper_tables.sh`. SSE is off in what follows, as in all that is no training.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from fairseq import checkpoint_utils, utils
from fairseq.tasks import FairseqTask
from runs import Units, save_run, scorer_options, start
from torch import nn

from sse_nmt.adapters.registration import register_with_fairseq
from sse_nmt.system.atomic_files import read_lines
from sse_nmt.system.errors import UserError

register_with_fairseq()
TOKENS = 4096  # of a batch


def perplexity(model: nn.Module, sample: dict[str, Any], pad: int) -> tuple[list[float], list[float]]:
    """Of each block of text: the nats of its pieces, and their number."""
    probabilities = model.get_normalized_probs(model(**sample["net_input"]), log_probs=True)
    target = sample["target"]
    nats = -probabilities.gather(2, target[..., None])[..., 0].masked_fill(target == pad, 0.0)
    return nats.sum(1).tolist(), (target != pad).sum(1).tolist()


def by_document(units: Units, lengths: Sequence[int]) -> Units:
    """Of each document, of so many pieces, the blocks that begin in it: those of one document are much alike, so that
    documents are what chance has drawn."""
    nats, pieces = units
    if int(pieces.sum()) != sum(lengths):
        raise UserError(f"test.documents must have lengths of {int(pieces.sum()):,} pieces, but has {sum(lengths):,}.")
    document = torch.bucketize(pieces.cumsum(0) - pieces, torch.tensor(lengths).cumsum(0), right=True)
    nothing = torch.zeros(len(lengths))
    return nothing.index_add(0, document, nats), nothing.index_add(0, document, pieces)


def accuracy(model: nn.Module, sample: dict[str, Any]) -> tuple[list[float], list[float]]:
    """Of each sentence: 1 where the likeliest class is the right one; and 1."""
    logits = model(**sample["net_input"], features_only=True, classification_head_name="sentence_classification_head")[
        0
    ]
    return (logits.argmax(1) == sample["target"].view(-1)).float().tolist(), [1.0] * len(logits)


def score(model: nn.Module, task: FairseqTask, documents: Path) -> dict[str, Units]:
    """``documents`` has the lengths that `text_data.py` wrote down."""
    task.load_dataset("test")
    batches = task.get_batch_iterator(task.dataset("test"), max_tokens=TOKENS, max_positions=None)
    sums, counts, classes = [], [], hasattr(model, "classification_heads")
    for sample in batches.next_epoch_itr(shuffle=False):
        sample = utils.move_to_cuda(sample) if torch.cuda.is_available() else sample
        with torch.no_grad():
            found = accuracy(model, sample) if classes else perplexity(model, sample, task.source_dictionary.pad())
        sums += found[0]
        counts += found[1]
    order = [i for batch in batches.frozen_batches for i in batch]  # the same in all runs
    places = torch.tensor(order).argsort()
    units = torch.tensor(sums)[places], torch.tensor(counts, dtype=torch.float)[places]
    if classes:
        return {"accuracy": units}
    return {"perplexity": by_document(units, [int(line) for line in read_lines(documents)])}


def main() -> None:
    options = scorer_options(__doc__)
    path = options.checkpoints / "checkpoint_best.pt"
    if not path.is_file():
        raise UserError(f"{options.checkpoints} must hold checkpoint_best.pt, but does not.")
    (model,), _, task = checkpoint_utils.load_model_ensemble_and_task([str(path)], {"data": str(options.data)})
    model = (model.cuda() if torch.cuda.is_available() else model).eval()
    state = checkpoint_utils.load_checkpoint_to_cpu(str(path))
    units, best = score(model, task, options.data.parent / "test.documents"), float(state["extra_state"]["best"])
    save_run(options, units, [best / 100 if "accuracy" in units else 2**best])  # fairseq has percent, and bits


if __name__ == "__main__":
    start(main)
