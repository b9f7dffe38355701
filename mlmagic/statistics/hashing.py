"""Hashes of values and of rows that never change: a split made with them holds for ever, here and on any other machine.

64 bits by the finaliser of SplitMix64. A text is taken as words of 8 bytes, of which each is mixed with a weight of its
place; whole numbers as 64-bit integers whatever their type, for a column may become one of floats where more files are
read; other numbers by their 64 bits, NaN as what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.types as kinds

Hashes: TypeAlias = npt.NDArray[np.uint64]
Integers: TypeAlias = npt.NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MISSING = np.uint64(0x5851F42D4C957F2D)
_ROW = np.uint64(0xD1342543DE82EF95)
_SHIFTS = tuple(np.array(bits, np.uint64) for bits in (30, 27, 31))
_FACTORS = tuple(np.array(factor, np.uint64) for factor in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_THREE, _SEVEN = (np.array(number, np.uint64) for number in (3, 7))
_INTEGERS = 2.0**63
"""Floats below it are integers of 64 bits, if they are whole."""
_EVERY_BIT = np.uint64(0xFFFFFFFFFFFFFFFF)

# So many words of each text are taken one after the other, all texts at once; what goes beyond is rare, and taken flat.
_FIRST_WORDS = 8

# What is computed on the way stays in the processor's cache, and the allocator need not fetch fresh pages for it.
_BLOCK_ROWS = 1 << 14
_BLOCK_BYTES = 1 << 19


def hash_array(values: Any) -> Hashes:
    """Return the hash of each value of an Arrow array of texts, numbers, booleans, dates or times."""
    kind = values.type
    if kinds.is_dictionary(kind):
        return _hash_dictionary(values)
    if kinds.is_null(kind):
        return np.full(len(values), _MISSING)
    if is_text(kind):
        hashes = _hash_texts(*text_buffers(values))
    elif kinds.is_floating(kind):
        hashes = _hash_numbers(values.cast(pa.float64()).fill_null(np.nan).to_numpy())
    else:
        hashes = hash_integers(integers(values))
    if values.null_count:
        hashes[values.is_null().to_numpy(zero_copy_only=False)] = _MISSING
    return hashes


def hash_floats(values: npt.NDArray[np.float64]) -> Hashes:
    """Return the hash of each number by its bits, for counting distinct ones; whole ones unlike `hash_array` does."""
    hashes = np.empty(len(values), np.uint64)
    for start in range(0, len(values), _BLOCK_ROWS):
        block = values[start : start + _BLOCK_ROWS] + 0.0  # the sum has no -0.0
        hashed = mix(block.view(np.uint64) + _GOLDEN)
        hashed[np.isnan(block)] = _MISSING
        hashes[start : start + _BLOCK_ROWS] = hashed
    return hashes


def _hash_numbers(values: npt.NDArray[np.float64]) -> Hashes:
    """Return the hash of each number, of a whole one that of the integer."""
    hashes = np.empty(len(values), np.uint64)
    for start in range(0, len(values), _BLOCK_ROWS):
        block = values[start : start + _BLOCK_ROWS]
        are_whole = (np.trunc(block) == block) & (np.abs(block) < _INTEGERS)
        with np.errstate(invalid="ignore"):  # of those that are no integers
            bits = np.where(are_whole, block.astype(np.int64), block.view(np.int64))
        hashed = mix(bits.view(np.uint64) + _GOLDEN)
        hashed[np.isnan(block)] = _MISSING
        hashes[start : start + _BLOCK_ROWS] = hashed
    return hashes


def hash_integers(values: Integers) -> Hashes:
    """Return the hash of each number as `hash_array` does."""
    hashes = np.empty(len(values), np.uint64)
    for start in range(0, len(values), _BLOCK_ROWS):
        hashes[start : start + _BLOCK_ROWS] = mix(values[start : start + _BLOCK_ROWS].view(np.uint64) + _GOLDEN)
    return hashes


def hash_rows(batch: Any, columns: Sequence[str] | None = None) -> Hashes:
    """Return the hash of each row of a record batch, by the values of `columns` or of all: their order is no matter."""
    hashes = np.full(batch.num_rows, _ROW)
    for name in sorted(batch.schema.names if columns is None else columns):
        hashes += hash_array(batch.column(name))
        hashes = mix(hashes)
    return hashes


def unit_interval(hashes: Hashes) -> npt.NDArray[np.float64]:
    """Spread hashes evenly over [0, 1)."""
    return (mix(hashes + _ROW) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def mix(hashes: Hashes) -> Hashes:
    """Let every bit depend on every other; no two become one."""
    shifted = hashes >> _SHIFTS[0]
    mixed = hashes ^ shifted
    mixed *= _FACTORS[0]
    mixed ^= np.right_shift(mixed, _SHIFTS[1], out=shifted)
    mixed *= _FACTORS[1]
    mixed ^= np.right_shift(mixed, _SHIFTS[2], out=shifted)
    return mixed


def integers(values: Any) -> Integers:
    """Return whole numbers, booleans, days or microseconds as 64 bits, 0 where they are missing."""
    kind = values.type
    if kinds.is_date32(kind):
        values = values.view(pa.int32())
    elif kinds.is_timestamp(kind) and kind.unit != "us":
        values = values.cast(pa.timestamp("us", kind.tz), safe=False)
    if values.null_count:
        values = values.fill_null(pa.scalar(0).cast(values.type))
    return np.asarray(values.cast(pa.int64()).to_numpy(), np.int64)


def is_text(kind: Any) -> bool:
    """Tell whether an Arrow type holds texts."""
    return bool(
        kinds.is_string(kind)
        or kinds.is_large_string(kind)
        or kinds.is_string_view(kind)
        or kinds.is_binary(kind)
        or kinds.is_large_binary(kind)
    )


def text_buffers(values: Any) -> tuple[Integers, npt.NDArray[np.uint8]]:
    """Return where each text begins, and the last one ends, within the bytes of all."""
    if kinds.is_string_view(values.type):
        values = values.cast(pa.large_string())
    _, starts, data = values.buffers()
    if not len(values) or starts is None:
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    is_large = kinds.is_large_string(values.type) or kinds.is_large_binary(values.type)
    offsets = np.frombuffer(starts, np.int64 if is_large else np.int32)
    offsets = offsets[values.offset : values.offset + len(values) + 1].astype(np.int64)
    first, last = int(offsets[0]), int(offsets[-1])
    return np.subtract(offsets, first, dtype=np.int64), np.frombuffer(data or b"", np.uint8)[first:last]


def _hash_dictionary(values: Any) -> Hashes:
    hashes = np.append(hash_array(values.dictionary), _MISSING)
    indices = values.indices
    if indices.null_count:
        indices = indices.fill_null(pa.scalar(0, indices.type))
        places = indices.to_numpy().astype(np.int64)
        places[values.indices.is_null().to_numpy(zero_copy_only=False)] = len(hashes) - 1
        return np.asarray(hashes[places], np.uint64)
    return np.asarray(hashes[indices.to_numpy()], np.uint64)


def _hash_texts(offsets: Integers, data: npt.NDArray[np.uint8]) -> Hashes:
    count = len(offsets) - 1
    hashes = np.empty(count, np.uint64)
    rows = min(_BLOCK_ROWS, max(64, _BLOCK_BYTES * count // (len(data) + 1)))
    for start in range(0, count, rows):
        stop = min(start + rows, count)
        hashes[start:stop] = _hash_block(offsets[start : stop + 1], data)
    return hashes


def _hash_block(offsets: Integers, data: npt.NDArray[np.uint8]) -> Hashes:
    data = data[offsets[0] : offsets[-1]]
    offsets = offsets - offsets[0]
    starts, lengths = offsets[:-1], np.diff(offsets)
    shortest, longest = int(lengths.min()), int(lengths.max())
    hashes = mix(lengths.view(np.uint64) * _GOLDEN + _GOLDEN)
    if shortest == longest <= 8 * _FIRST_WORDS:
        return mix(hashes + _sum_even(data.reshape(len(lengths), longest)))
    words = np.zeros(len(data) // 8 + 2, "<u8")
    words.view(np.uint8)[: len(data)] = data
    for place in range(min(_FIRST_WORDS, -(-longest // 8))):
        weight = _FIRST_WEIGHTS[place]
        if shortest > 8 * place:
            hashes += mix(_load(words, starts + 8 * place, lengths - 8 * place) + weight)
        else:
            longer = np.flatnonzero(lengths > 8 * place)
            hashes[longer] += mix(_load(words, starts[longer] + 8 * place, lengths[longer] - 8 * place) + weight)
    if longest > 8 * _FIRST_WORDS:
        longer = np.flatnonzero(lengths > 8 * _FIRST_WORDS)
        hashes[longer] += _sum_flat(words, starts[longer], lengths[longer])
    return mix(hashes)


def _sum_even(texts: npt.NDArray[np.uint8]) -> Hashes:
    """Return the sum of the mixed words of texts of the same length, a row each: much of the time saved."""
    count, length = texts.shape
    width = -(-length // 8)
    padded = np.zeros((count, 8 * width), np.uint8)
    padded[:, :length] = texts
    sums = np.zeros(count, np.uint64)
    for place, words in enumerate(padded.view("<u8").T):
        sums += mix(words + _FIRST_WEIGHTS[place])
    return sums


def _load(words: Hashes, at: Integers, left: Integers) -> Hashes:
    """Read 8 bytes from anywhere: the parts of two neighbouring words; zeros after the `left` that there are."""
    slots = at >> 3
    bits = (at.view(np.uint64) & _SEVEN) << _THREE
    loaded = words[slots] >> bits
    slots += 1
    # By 63 - bits and 1 more: a shift by 64 is not defined everywhere.
    loaded |= (words[slots] << (np.uint64(63) - bits)) << np.uint64(1)
    if left.min() < 8:
        lacking = np.maximum(8 - left, 0).view(np.uint64) << _THREE
        loaded &= _EVERY_BIT >> lacking
    return np.asarray(loaded, np.uint64)


def _sum_flat(words: Hashes, starts: Integers, lengths: Integers) -> Hashes:
    """Return the sum of the mixed words beyond the first ones, of texts that all have some."""
    counts = -(-lengths // 8) - _FIRST_WORDS
    ends = np.cumsum(counts)
    places = np.arange(ends[-1]) - np.repeat(ends - counts, counts) + _FIRST_WORDS
    at = np.repeat(starts, counts) + 8 * places
    left = np.repeat(lengths, counts) - 8 * places
    mixed = mix(_load(words, at, left) + _weights(places.view(np.uint64)))
    return np.asarray(np.add.reduceat(mixed, ends - counts), np.uint64)


def _weights(places: Hashes) -> Hashes:
    return mix((places + np.uint64(1)) * _GOLDEN)


_FIRST_WEIGHTS = _weights(np.arange(_FIRST_WORDS, dtype=np.uint64))
