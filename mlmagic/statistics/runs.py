"""Sorted keys with counts: the sparse form in which all that is counted here is kept and merged."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlmagic.statistics.hashing import Integers


class Runs(NamedTuple):
    """Different keys in ascending order, and how often each occurs."""

    keys: Integers
    counts: Integers

    @staticmethod
    def none() -> Runs:
        """Nothing counted yet."""
        return Runs(np.zeros(0, np.int64), np.zeros(0, np.int64))

    @staticmethod
    def of(values: Integers) -> Runs:
        """Count values."""
        ordered = np.sort(values)
        starts = starts_of_runs(ordered)
        return Runs(ordered[starts], np.diff(starts, append=len(ordered)))

    def merge(self, other: Runs) -> Runs:
        """Add up the counts of equal keys."""
        if not len(other.keys):
            return self
        if not len(self.keys):
            return other
        return _sum_equal(np.concatenate([self.keys, other.keys]), np.concatenate([self.counts, other.counts]))

    def coarsen(self, bits: int) -> Runs:
        """Drop so many of the last bits of the keys; those that become equal are one."""
        keys = self.keys >> bits
        starts = starts_of_runs(keys)
        return Runs(keys[starts], np.add.reduceat(self.counts, starts) if len(starts) else self.counts)

    def bits_beyond(self, limit: int) -> int:
        """Return how many bits must be dropped, at least, to leave `limit` keys."""
        if len(self.keys) <= limit:
            return 0
        differences = (self.keys[1:] ^ self.keys[:-1]).view(np.uint64)
        low, high = 0, 64
        while high - low > 1:
            middle = (low + high) // 2
            if 1 + np.count_nonzero(differences >> np.uint64(middle)) <= limit:
                high = middle
            else:
                low = middle
        return high


def starts_of_runs(ordered: Integers) -> Integers:
    """Return where runs of equal values begin."""
    if not len(ordered):
        return np.zeros(0, np.int64)
    return np.concatenate([np.zeros(1, np.int64), np.flatnonzero(ordered[1:] != ordered[:-1]) + 1])


def _sum_equal(keys: Integers, counts: Integers) -> Runs:
    order = np.argsort(keys, kind="stable")  # fast where the input is two sorted parts
    keys = keys[order]
    starts = starts_of_runs(keys)
    return Runs(keys[starts], np.add.reduceat(counts[order], starts))
