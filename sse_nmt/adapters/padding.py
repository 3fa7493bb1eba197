"""Whether a batch has padding is asked of the device once, where fairseq's encoder asks in each of its layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def padding_asked_once(sample: dict[str, Any]) -> dict[str, Any]:
    """The batch, whose source ids remember the answer; each time that fairseq asks, the host waits for a GPU."""
    inputs = sample["net_input"]
    return {**sample, "net_input": {**inputs, "src_tokens": inputs["src_tokens"].as_subclass(_Ids)}}


class _Plain(Tensor):
    """What is computed of it is a tensor like any other."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]


class _Ids(_Plain):
    def eq(self, other: Any) -> Tensor:
        """`encoder_padding_mask` of fairseq's encoder."""
        return super().eq(other).as_subclass(_Mask)


class _Mask(_Plain):
    def any(self, *args: Any, **named: Any) -> Tensor:
        """`has_pads`."""
        found = super().any(*args, **named)
        return found if args or named else found.as_subclass(_Truth)


class _Truth(_Plain):
    _known: bool | None = None

    def __bool__(self) -> bool:
        if self._known is None:
            self._known = super().__bool__()
        return self._known
