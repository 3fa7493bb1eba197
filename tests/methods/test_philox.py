"""Philox in torch against the numbers that its authors publish with Random123 (`kat_vectors`)."""

from __future__ import annotations

import pytest
import torch

from sse_nmt.methods.philox import philox

KNOWN = [
    ((0, 0), (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((2**32 - 1,) * 2, (2**32 - 1,) * 4, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0xA4093822, 0x299F31D0),
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def as_int64(low: int, high: int) -> torch.Tensor:
    bits = high << 32 | low
    return torch.tensor(bits - 2**64 if bits >= 2**63 else bits)


@pytest.mark.parametrize(("key", "counter", "expected"), KNOWN)
def test_known_answers(key, counter, expected):
    words = philox(as_int64(*key), tuple(torch.tensor([each]) for each in counter))
    assert tuple(int(word) for word in words) == expected
