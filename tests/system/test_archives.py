"""Archives of strangers: what is wanted and nothing else, in bounded memory, or one sentence."""

from __future__ import annotations

import gzip
import random
import resource
import tarfile
from collections.abc import Callable

import pytest

from sse_nmt.system.archives import check_archive, read_gzip, unpack
from sse_nmt.system.errors import UserError

MOST = 10**6
TEXT = b"a line\n" * 500
_MUTANTS = 300


def member(name: str, content: bytes = b"", **fields: object) -> bytes:
    """A header and its content, whatever the header says."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def packed(*members: bytes) -> bytes:
    return gzip.compress(b"".join(members) + bytes(1024), 1, mtime=0)


GOOD = packed(member("t/other", b"x" * 2000), member("t/text", TEXT))


def sparse() -> bytes:
    """Nothing but a hole of a terabyte, in GNU's old format."""
    block = bytearray(member("t/text", type=tarfile.GNUTYPE_SPARSE))
    block[386:398], block[398:410] = b"%011o\0" % 10**9, b"%011o\0" % 0  # one part: where, and how long
    block[483:495] = b"%011o\0" % (8**11 - 1)  # the size that it unpacks to
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    return packed(bytes(block))


def endless_names() -> bytes:
    """Long names of long names: tarfile calls itself for each."""
    return packed(*[member("l", b"n\0", type=tarfile.GNUTYPE_LONGNAME)] * 3000, member("t/text", TEXT))


def flipped(data: bytes) -> bytes:
    return data[:-6] + bytes([data[-6] ^ 1]) + data[-5:]


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "no gzip": (lambda: TEXT, "must be a whole .tgz archive, but cannot be read: Not a gzipped file (b'a ')."),
    "no tar": (lambda: gzip.compress(TEXT), "must be a whole .tgz archive, but cannot be read: invalid header."),
    "nothing": (lambda: b"", "must be a whole .tgz archive, but cannot be read: empty file."),
    "cut": (lambda: GOOD[:-30], "must be a whole .tgz archive, but cannot be read: Compressed file ended before"),
    "another checksum": (lambda: flipped(GOOD), "must be a whole .tgz archive, but cannot be read: CRC check failed"),
    "a header of 3 GB": (
        lambda: packed(member("x", type=tarfile.XHDTYPE, size=3 * 10**9)),
        "must be a whole .tgz archive, but cannot be read: it has a header of 3,000,000,000 bytes.",
    ),
    "a name of 3 GB": (
        lambda: packed(member("x", type=tarfile.GNUTYPE_LONGNAME, size=3 * 10**9)),
        "must be a whole .tgz archive, but cannot be read: it has a header of 3,000,000,000 bytes.",
    ),
    "names of names": (endless_names, "must be a whole .tgz archive, but cannot be read: "),
    "a hole": (sparse, "must unpack to at most 1,000,000 bytes, but has more: see `--max-download`."),
    "a bomb": (
        lambda: packed(member("t/text", TEXT), member("zeros", bytes(2 * MOST))),
        "must unpack to at most 1,000,000 bytes, but has more: see `--max-download`.",
    ),
    "a bomb at its end": (
        lambda: gzip.compress(gzip.decompress(GOOD) + bytes(2 * MOST)),
        "must unpack to at most 1,000,000 bytes, but has more: see `--max-download`.",
    ),
    "elsewhere": (
        lambda: packed(member("/etc/passwd", b"x")),
        "must hold files of its own folder only, but holds '/etc/passwd'.",
    ),
    "above": (lambda: packed(member("t/../../x", b"x")), "must hold files of its own folder only, but holds"),
    "a link": (
        lambda: packed(member("t/text", type=tarfile.SYMTYPE, linkname="/etc/passwd")),
        "must hold t/text as a plain file, but it is something else.",
    ),
    "a pipe": (lambda: packed(member("t/text", type=tarfile.FIFOTYPE)), "must hold t/text as a plain file, but it"),
    "without it": (lambda: packed(member("t/other", b"x")), "must hold t/text, but does not."),
}


def test_what_is_wanted_and_nothing_else(tmp_path):
    (tmp_path / "a.tgz").write_bytes(GOOD)
    check_archive(tmp_path / "a.tgz", ["t/text"], MOST)
    unpack(tmp_path / "a.tgz", {"t/text": tmp_path / "out/text"}, MOST)
    assert (tmp_path / "out/text").read_bytes() == TEXT
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.tgz", "out", "text"]


@pytest.mark.parametrize("kind", BAD)
def test_what_is_refused_leaves_nothing(tmp_path, kind):
    make, sentence = BAD[kind]
    path = tmp_path / "a.tgz"
    path.write_bytes(make())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for read in (lambda: check_archive(path, ["t/text"], MOST), lambda: unpack(path, {"t/text": tmp_path / "o"}, MOST)):
        with pytest.raises(UserError) as error:
            read()
        assert str(error.value).startswith(f"{path} {sentence}")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB
    assert not list(tmp_path.glob("*.part"))


def test_bytes_that_changed_are_noticed(tmp_path):
    """Wherever: in the stream, its headers, or its end."""
    path, dice, taken = tmp_path / "a.tgz", random.Random(1), 0
    for _ in range(_MUTANTS):
        place = dice.randrange(len(GOOD))
        path.write_bytes(GOOD[:place] + bytes([GOOD[place] ^ (1 << dice.randrange(8))]) + GOOD[place + 1 :])
        try:
            unpack(path, {"t/text": tmp_path / "text"}, MOST)
        except UserError as error:
            assert "\n" not in str(error)
        else:
            taken += 1  # gzip's header says time and system, which are of no consequence
            assert (tmp_path / "text").read_bytes() == TEXT
    assert taken < _MUTANTS // 5


def test_gzip_files_have_an_end(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes(5 * MOST)))
    with pytest.raises(UserError, match=r"a\.gz must unpack to at most 1,000,000 bytes, but has more\.$"):
        read_gzip(path, MOST)
    path.write_bytes(gzip.compress(TEXT)[:-1])
    with pytest.raises(UserError, match=r"a\.gz must be a gzip file, but cannot be unpacked: Compressed file ended"):
        read_gzip(path, MOST)
    path.write_bytes(gzip.compress(TEXT))
    assert read_gzip(path, MOST) == TEXT
