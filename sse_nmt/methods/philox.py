"""Random numbers by counting: Philox4x32-10 in torch, word for word what Triton's `tl.philox` gives.

Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from torch import Tensor

_ROUNDS = 10
_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_KEY_STEPS = 0x9E3779B9, 0xBB67AE85
_WORD = 0xFFFFFFFF
Words = tuple[Tensor, Tensor, Tensor, Tensor]


def philox(key: Tensor, counter: Words) -> Words:
    """Four random words for each counter.

    Args:
        key: int64 of 64 bits, () or as the counter.
        counter: four int64 (*), each in [0, 2^32).

    Returns:
        Four int64 (*), each in [0, 2^32), uniform and independent.
    """
    c0, c1, c2, c3 = counter
    low, high = key & _WORD, (key >> 32) & _WORD
    for _ in range(_ROUNDS):
        # A product of two words may pass 2^63: int64 wraps around, and its bits are the right ones all the same.
        first, second = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1 = ((second >> 32) & _WORD) ^ c1 ^ low, second & _WORD
        c2, c3 = ((first >> 32) & _WORD) ^ c3 ^ high, first & _WORD
        low, high = (low + _KEY_STEPS[0]) & _WORD, (high + _KEY_STEPS[1]) & _WORD
    return c0, c1, c2, c3
