"""CRC-32C of many records at once: the checksum of TFRecord files, for which Python has no function."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_POLYNOMIAL = 0x82F63B78  # Castagnoli, bits reversed
_MASK_DELTA = 0xA282EAD8
_CHUNK = 256


def _table() -> np.ndarray:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table


_TABLE = _table()
_PYTHON_TABLE = tuple(int(value) for value in _TABLE)


def _shifts() -> np.ndarray:
    """What a chunk of zeros makes of each byte of a checksum."""
    states = np.stack([np.arange(256, dtype=np.uint32) << np.uint32(8 * place) for place in range(4)])
    for _ in range(_CHUNK):
        states = _TABLE[states & 0xFF] ^ (states >> 8)
    return states


_SHIFTS = _shifts()


def masked_crc(data: bytes) -> int:
    """Return the masked checksum of a few bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _PYTHON_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return int(_masked(np.array([crc ^ 0xFFFFFFFF], np.uint32))[0])


def masked_crcs(records: Sequence[bytes]) -> np.ndarray:
    """Return the masked checksum of each record."""
    lengths = np.array([len(record) for record in records], np.int64)
    # A checksum that begins with 0 is blind to zeros in front, so that all chunks can be made equally long. That it
    # begins with ones in fact is the same as turning the first four bytes over.
    chunks = np.maximum(1, -(-np.maximum(lengths, 4) // _CHUNK))
    ends = np.cumsum(chunks)
    text = np.zeros(int(ends[-1]) * _CHUNK if len(ends) else 0, np.uint8)
    for end, length, record in zip((ends * _CHUNK).tolist(), lengths.tolist(), records, strict=True):
        text[end - length : end] = np.frombuffer(record, np.uint8)
        text[end - length : min(end, end - length + 4)] ^= 0xFF
    states = np.zeros(len(text) // _CHUNK, np.uint32)
    for column in np.ascontiguousarray(text.reshape(-1, _CHUNK).T):
        states = _TABLE[(states ^ column) & 0xFF] ^ (states >> 8)
    crcs = _joined(states, ends - chunks, chunks)
    return _masked(_short(crcs, lengths, records))


def _joined(states: np.ndarray, firsts: np.ndarray, chunks: np.ndarray) -> np.ndarray:
    """Put the checksums of the chunks of each record together."""
    crcs = np.zeros(len(firsts), np.uint32)
    for place in range(int(chunks.max(initial=0))):
        more = np.flatnonzero(chunks > place)
        before = crcs[more]
        moved = _SHIFTS[0][before & 0xFF]
        for byte in range(1, 4):
            moved = moved ^ _SHIFTS[byte][(before >> np.uint32(8 * byte)) & 0xFF]
        crcs[more] = moved ^ states[firsts[more] + place]
    return crcs ^ np.uint32(0xFFFFFFFF)


def _short(crcs: np.ndarray, lengths: np.ndarray, records: Sequence[bytes]) -> np.ndarray:
    """Put right the records of fewer than four bytes, of which not all ones could be turned over."""
    for index in np.flatnonzero(lengths < 4).tolist():
        crc = 0xFFFFFFFF
        for byte in records[index]:
            crc = _PYTHON_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
        crcs[index] = crc ^ 0xFFFFFFFF
    return crcs


def _masked(crcs: np.ndarray) -> np.ndarray:
    return ((crcs >> np.uint32(15)) | (crcs << np.uint32(17))) + np.uint32(_MASK_DELTA)
