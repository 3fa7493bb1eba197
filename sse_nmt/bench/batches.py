"""Batches of made-up sentences, as fairseq would make them of real ones."""

from __future__ import annotations

import torch
from fairseq.data import LanguagePairDataset

from sse_nmt.bench.fairseq_setting import dictionary
from sse_nmt.bench.step_server import EOS, SPECIALS, TokenBatch

_SENTENCES = 20_000
_LEAST, _MOST = 3, 120  # tokens of a sentence


def synthetic_batches(vocab_size: int, tokens: int, count: int, seed: int) -> list[TokenBatch]:
    """``count`` batches of at most ``tokens`` tokens a side, padding included.

    Sentences have 22 tokens in the median, the middle half 15 to 33, and targets 1.05 +- 0.15 times as many; ids
    follow Zipf's law. fairseq's dataset sorts and batches them, so padding is what it is in a real training.
    """
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.empty(_SENTENCES).log_normal_(3.09, 0.6, generator=generator)
    ratios = torch.empty(_SENTENCES).normal_(1.05, 0.15, generator=generator)
    sizes = [series.round().clamp(_LEAST, min(_MOST, tokens)).long().tolist() for series in (lengths, lengths * ratios)]
    likely = 1 / torch.arange(1, vocab_size - SPECIALS + 1).double()
    sides = []
    for side in sizes:
        ids = torch.multinomial(likely, sum(side), replacement=True, generator=generator) + SPECIALS
        sides.append([torch.cat((row[:-1], row.new_tensor([EOS]))) for row in ids.split(side)])
    entries = dictionary(vocab_size)
    source, target = sides
    dataset = LanguagePairDataset(
        source, torch.tensor(sizes[0]).numpy(), entries, target, torch.tensor(sizes[1]).numpy(), entries,
        left_pad_source=False, shuffle=False,
    )  # fmt: skip
    batches = dataset.batch_by_size(dataset.ordered_indices(), max_tokens=tokens, required_batch_size_multiple=1)
    chosen = torch.randperm(len(batches), generator=generator)[:count].tolist()
    samples = [dataset.collater([dataset[int(i)] for i in batches[number]]) for number in chosen]
    return [TokenBatch(sample["net_input"]["src_tokens"], sample["target"]) for sample in samples]
