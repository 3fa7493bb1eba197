"""Makes a training resumed in a later epoch see the batches that the unbroken training sees."""

from __future__ import annotations

from typing import Any


class ResumableBatches:
    """To be inherited before a fairseq task.

    fairseq makes its batches once, from a seed that contains the epoch it starts in, and keeps them for all
    epochs. A run resumed in epoch 3 would so go on with other batches than it had; here it makes those of epoch 1.
    """

    def get_batch_iterator(
        self,
        dataset: Any,
        *arguments: Any,
        epoch: int = 1,
        disable_iterator_cache: bool = False,
        update_epoch_batch_itr: bool = False,
        **keywords: Any,
    ) -> Any:
        kept = not disable_iterator_cache and not update_epoch_batch_itr and self.can_reuse_epoch_itr(dataset)  # type: ignore[attr-defined]
        fresh = dataset not in self.dataset_to_epoch_iter  # type: ignore[attr-defined]
        iterator = super().get_batch_iterator(  # type: ignore[misc]
            dataset,
            *arguments,
            epoch=1 if kept else epoch,
            disable_iterator_cache=disable_iterator_cache,
            update_epoch_batch_itr=update_epoch_batch_itr,
            **keywords,
        )
        if kept and fresh:
            iterator.epoch = epoch
        return iterator
