"""The checksums of TFRecord files (CRC-32C, masked), in plain Python.

Byte by byte is slow. But event files hold many records of one length that differ in few bytes, and a CRC is linear: a
record has that of another one, changed by what each differing byte adds on its own. So records of one length are taken
together, a column of bytes at a time, by operations that the interpreter runs in C.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache

_POLYNOMIAL = 0x82F63B78
_MASK_DELTA = 0xA282EAD8
_ALL = 0xFFFFFFFF
# Fewer records than this are quicker one by one.
_TOGETHER = 100


def masked_crc32c(data: bytes) -> int:
    """Return the checksum that stands behind `data` in a TFRecord file."""
    return _masked(_crc32c(data))


def masked_crc32c_of_each(records: Sequence[bytes]) -> list[int]:
    """Return the checksum of each record; all have the same length."""
    if len(records) < _TOGETHER:
        return [masked_crc32c(record) for record in records]
    count, first, joined = len(records), records[0], b"".join(records)
    # Four planes: the lowest byte of each record's sum, then the second of each, and so on.
    sums, same = 0, _crc32c(first)
    effects = int.from_bytes(b"".join(_planes()), "little")
    for at in reversed(range(len(first))):
        column = joined[at :: len(first)]
        if column.count(first[at]) != count:
            tables = _split(effects, 256)
            sums ^= int.from_bytes(b"".join([column.translate(table) for table in tables]), "little")
            same ^= sum(table[first[at]] << shift for table, shift in zip(tables, (0, 8, 16, 24), strict=True))
        effects = _one_byte_on(effects)
    words = bytearray(4 * count)
    for number, plane in enumerate(_split(sums, count)):
        words[number::4] = plane
    return [_masked(word ^ same) for word in struct.unpack(f"<{count}I", words)]


def _one_byte_on(effects: int) -> int:
    """Return what each of the 256 bytes does to the sum when one more byte follows it."""
    lowest, *_ = _split(effects, 256)
    looked_up = b"".join([lowest.translate(plane) for plane in _planes()])
    return (effects >> 8 * 256) ^ int.from_bytes(looked_up, "little")


def _split(planes: int, count: int) -> tuple[bytes, bytes, bytes, bytes]:
    data = planes.to_bytes(4 * count, "little")
    return data[:count], data[count : 2 * count], data[2 * count : 3 * count], data[3 * count :]


def _crc32c(data: bytes) -> int:
    table, register = _table(), _ALL
    for byte in data:
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register ^ _ALL


def _masked(crc: int) -> int:
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & _ALL


@cache
def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        register = byte
        for _ in range(8):
            register = (register >> 1) ^ (_POLYNOMIAL if register & 1 else 0)
        table.append(register)
    return tuple(table)


@cache
def _planes() -> tuple[bytes, ...]:
    """Return the table as four, one for each byte of an entry, the lowest first."""
    return tuple(bytes((entry >> shift) & 0xFF for entry in _table()) for shift in (0, 8, 16, 24))
