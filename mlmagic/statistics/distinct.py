"""How many different values there are, from their hashes: HyperLogLog with 16,384 registers of a byte each.

The registers depend on the set of hashes alone. The estimate is Ertl's (arXiv:1702.01284, section 4): without bias from
none to 2^60, with a standard error of 0.81 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mlmagic.statistics.hashing import Hashes

_PRECISION = 14
_REGISTERS = 1 << _PRECISION
_MOST_ZEROS = 64 - _PRECISION
_EVERY_BIT = np.uint64(0xFFFFFFFFFFFFFFFF)

# What is computed on the way stays in the processor's cache.
_BLOCK = 1 << 14


class DistinctSketch:
    """Counts different hashes."""

    __slots__ = ("registers",)

    def __init__(self) -> None:
        self.registers = np.zeros(_REGISTERS, np.uint8)

    def add(self, hashes: Hashes) -> None:
        """Take hashes, each any number of times."""
        for start in range(0, len(hashes), _BLOCK):
            self._add(hashes[start : start + _BLOCK])

    def _add(self, hashes: Hashes) -> None:
        places = (hashes >> np.uint64(64 - _PRECISION)).view(np.int64)
        rest = hashes << np.uint64(_PRECISION)
        if len(hashes) > _REGISTERS // 4 and self.registers.any():
            # What has fewer leading zeros than its register has seen changes nothing: soon that is nearly all.
            fresh = np.flatnonzero(rest <= (_EVERY_BIT >> self.registers)[places])
            places, rest = places[fresh], rest[fresh]
        # The exponent as a float; exact, for the bits behind the first 50 are zeros.
        exponents = (rest.astype(np.float64).view(np.int64) >> 52) - 1022
        ranks = np.minimum(65 - exponents, _MOST_ZEROS + 1).astype(np.uint8)
        np.maximum.at(self.registers, places, ranks)

    def merge(self, other: DistinctSketch) -> None:
        """Take what another has seen."""
        np.maximum(self.registers, other.registers, out=self.registers)

    def estimate(self) -> int:
        """Return about how many different hashes there were."""
        counts = np.bincount(self.registers, minlength=_MOST_ZEROS + 2).tolist()
        return round(_estimate(counts))


def _estimate(counts: Sequence[int]) -> float:
    """Return the estimate from how many registers hold 0, 1, … 51."""
    if counts[0] == _REGISTERS:
        return 0.0
    total = _REGISTERS * _tau(1 - counts[-1] / _REGISTERS)
    for count in reversed(counts[1:-1]):
        total = (total + count) / 2
    total += _REGISTERS * _sigma(counts[0] / _REGISTERS)
    return _REGISTERS * _REGISTERS / (2 * math.log(2) * total)


def _sigma(share: float) -> float:
    total, power, factor = share, share, 1.0
    while True:
        power *= power
        before, total = total, total + power * factor
        factor *= 2
        if total == before:
            return total


def _tau(share: float) -> float:
    if share in {0.0, 1.0}:
        return 0.0
    total, power, factor = 1 - share, share, 1.0
    while True:
        power = math.sqrt(power)
        factor /= 2
        before, total = total, total - (1 - power) ** 2 * factor
        if total == before:
            return total / 3
