"""Scores a training of `language_modeling_sse` on histories: is the last film among the ten that the model ranks first?

    python examples/sasrec_rank.py data/sasrec/bin checkpoints/sse_se.1 --system sse_se --seed 1 --output runs/sasrec

How such a training is started is in `scripts/reproduce_paper_tables.sh`: SSE's px is its `--sse-prob`, the probability
that a film of the history is replaced, py its `--sse-prob-label`, that of the film which is asked for.

Of the folder's checkpoints the one with the best NDCG@10 on validation is scored on test: among all films that are
not in the history, and, as the paper has it, among 100 of them drawn at random and the one that is asked for.
"""

from __future__ import annotations

from pathlib import Path

import torch
from fairseq import checkpoint_utils
from fairseq.data import data_utils
from fairseq.data.data_utils import collate_tokens
from fairseq.tasks import FairseqTask
from runs import save_run, scorer_options, start
from torch import Tensor, nn

from sse_nmt.adapters.registration import register_with_fairseq
from sse_nmt.system.errors import UserError

TOP, NEGATIVES, BATCH = 10, 100, 64
register_with_fairseq()


def scores_of(model: nn.Module, task: FairseqTask, split: str, data: Path) -> tuple[Tensor, Tensor, Tensor]:
    """Of each user the scores of all rows after the history (users, V), which may be ranked, and the last film."""
    text = data_utils.load_indexed_dataset(str(data / split), task.dictionary)
    words, end = task.dictionary, task.dictionary.eos()
    films = torch.zeros(len(words), dtype=torch.bool)
    films[[i for i in range(words.nspecial, len(words)) if not words[i].startswith("madeupword")]] = True
    longest = task.args.tokens_per_sample - 2
    scores, open_rows, wanted = [], [], []
    for first in range(0, len(text), BATCH):
        lines = [text[i][text[i] != end].long() for i in range(first, min(first + BATCH, len(text)))]
        # As in training: the end of a line first (--sample-break-mode eos), then no more films than it had.
        before = [torch.cat((torch.tensor([end]), line[:-1][-longest:])) for line in lines]
        with torch.no_grad():
            out = model(collate_tokens(before, words.pad()))[0]
        scores.append(torch.stack([row[len(ids) - 1] for row, ids in zip(out, before, strict=True)]))
        for line in lines:
            may = films.clone()
            may[line[:-1]] = False
            open_rows.append(may)
            wanted.append(line[-1])
    return torch.cat(scores), torch.stack(open_rows), torch.stack(wanted)


def rank(scores: Tensor, may: Tensor, wanted: Tensor) -> Tensor:
    """How many others that may be ranked are before the one that is wanted, or as good, (users,)."""
    own = scores.gather(1, wanted[:, None])
    return (~(scores < own) & may.scatter(1, wanted[:, None], False)).sum(1)  # no number is as good as any


def among(may: Tensor, wanted: Tensor, negatives: int) -> Tensor:
    """So many of them at random, the same in every run."""
    drawn = torch.rand(may.shape, generator=torch.Generator().manual_seed(0)).masked_fill(~may, -1.0)
    drawn = drawn.scatter(1, wanted[:, None], -1.0)
    return torch.zeros_like(may).scatter(1, drawn.topk(negatives).indices, True)


def hits_and_gains(places: Tensor) -> tuple[Tensor, Tensor]:
    found = places < TOP
    return found.float(), torch.where(found, 1 / (places + 2.0).log2(), 0.0)


def main() -> None:
    options = scorer_options(__doc__)
    paths = sorted(options.checkpoints.glob("checkpoint[0-9]*.pt"), key=lambda path: path.stat().st_mtime)
    if not paths:
        raise UserError(
            f"{options.checkpoints} must hold checkpoints of epochs, checkpoint1.pt and so on, but holds none."
        )
    curve, best = [], None
    for path in paths:
        (model,), _, task = checkpoint_utils.load_model_ensemble_and_task([str(path)], {"data": str(options.data)})
        curve.append(float(hits_and_gains(rank(*scores_of(model.eval(), task, "valid", options.data)))[1].mean()))
        best = model if curve[-1] == max(curve) else best
    scores, may, wanted = scores_of(best, task, "test", options.data)
    units = {}
    for name, allowed in (("", may), (f" of {NEGATIVES + 1}", may & among(may, wanted, NEGATIVES))):
        hits, gains = hits_and_gains(rank(scores, allowed, wanted))
        units |= {f"NDCG@10{name}": (gains, torch.ones(len(gains))), f"HR@10{name}": (hits, torch.ones(len(hits)))}
    save_run(options, units, curve)


if __name__ == "__main__":
    start(main)
