"""Changed files: single bytes, lost and doubled parts, values of other kinds, the same for the same seed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

Mutants = Callable[[bytes, int, random.Random], Iterator[bytes]]
STRANGE: list[Any] = [
    None, True, -1, 0, 2**63, 10**400, 0.5, 1e300, "", "\x1b[31m|<b>", "a" * 5000, [], [None], {}, {"": {}}, [[[[1]]]],
]  # fmt: skip
NO_JSON = (b"", b"null", b"[1]", b"{" * 10**6, b'{"a":' * 10**5, b'{"seed": NaN}', b"\xff\xfe", b'{"seed": 1e999}')


def of_bytes(data: bytes, count: int, dice: random.Random) -> Iterator[bytes]:
    """A byte that is another, a bit flipped, an end that is missing, a part lost, doubled, or put in."""
    kinds = [_other_byte, _flipped_bit, _cut, _lost, _doubled, _put_in]
    for number in range(count):
        yield kinds[number % len(kinds)](data, dice)


def of_json(data: bytes, count: int, dice: random.Random) -> Iterator[bytes]:
    """Values of other kinds, missing keys, bytes that are no JSON."""
    tree = json.loads(data)
    whole = list(places(tree))
    yield from NO_JSON
    for number in range(count - len(NO_JSON)):
        if number % 3 == 2:
            yield from of_bytes(data, 1, dice)
        else:
            yield json.dumps(changed(tree, dice.choice(whole), dice.choice([..., *STRANGE]))).encode()


def of_lines(data: bytes, count: int, dice: random.Random) -> Iterator[bytes]:
    """Words of lines that are others: long numbers, controls, nothing; and changed bytes."""
    words: list[bytes] = [
        b"",
        b"-1",
        b"9" * 5000,
        b"1e999",
        b"nan",
        b"\x1b[2J",
        b"\xff",
        b"{",
        b"x " * 20_000,
        b"\0",
        b"0",
    ]
    lines = data.split(b"\n")
    for number in range(count):
        if number % 2:
            yield from of_bytes(data, 1, dice)
            continue
        place = dice.randrange(len(lines))
        parts = lines[place].split(b" ")
        parts[dice.randrange(len(parts))] = dice.choice(words)
        yield b"\n".join([*lines[:place], b" ".join(parts), *lines[place + 1 :]])


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key and item within."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def changed(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """With another value there, or without it (`...`)."""
    tree = copy.deepcopy(tree)
    inner = tree
    for key in path[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return tree


def _other_byte(data: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(data))
    return data[:place] + bytes([dice.randrange(256)]) + data[place + 1 :]


def _flipped_bit(data: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << dice.randrange(8))]) + data[place + 1 :]


def _cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data))]


def _part(data: bytes, dice: random.Random) -> tuple[int, int]:
    begin = dice.randrange(len(data))
    return begin, begin + dice.randrange(1, 200)


def _lost(data: bytes, dice: random.Random) -> bytes:
    begin, end = _part(data, dice)
    return data[:begin] + data[end:]


def _doubled(data: bytes, dice: random.Random) -> bytes:
    begin, end = _part(data, dice)
    return data[:end] + data[begin:]


def _put_in(data: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(data))
    return data[:place] + dice.randbytes(dice.randrange(1, 200)) + data[place:]
