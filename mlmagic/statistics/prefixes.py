"""A histogram of numbers whose bins follow from the numbers alone.

A float64 is taken as an integer that sorts as the number does; its first bits are its bin. As many bits are kept as
leave no more different bins than a limit, so outliers cost a bin each, few different values are counted exactly, and
it makes no difference in what order or parts the numbers came: a part can never need to drop more bits than the whole.
Zeros are not counted here, which leaves the signs far apart.
"""

from __future__ import annotations

import numpy as np

from mlmagic.statistics.hashing import Integers
from mlmagic.statistics.moments import Floats
from mlmagic.statistics.runs import Runs

_MAGNITUDE = np.int64(0x7FFFFFFFFFFFFFFF)
_LARGEST = np.int64(0x7FEFFFFFFFFFFFFF)

# Slots of the window for each bin of the limit: at the fineness that a limit allows, the bulk of most data fits.
_WINDOW_FACTOR = 16


class PrefixHistogram:
    """Counts numbers by their first bits: all but the last `shift`."""

    __slots__ = ("_loose", "_loose_size", "_low", "_window", "limit", "runs", "shift")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.shift = 0
        self.runs = Runs.none()
        # Most numbers are counted in a table by sign and magnitude, and the others put aside: see `settle`.
        self._window: Integers | None = None
        self._low = 0
        self._loose: list[Runs] = []
        self._loose_size = 0

    def add(self, values: Floats) -> None:
        """Count finite numbers other than 0."""
        if not len(values):
            return
        if self.shift == 0:
            self._put_aside(Runs.of(ordered_keys(values)))
        else:
            self._add_to_window(values)

    def add_counts(self, values: Floats, counts: Integers) -> None:
        """Count different finite numbers other than 0, in ascending order, each so many times."""
        self._put_aside(Runs(ordered_keys(values), counts).coarsen(self.shift))

    def merge(self, other: PrefixHistogram) -> None:
        """Count what another has counted."""
        self.settle()
        other.settle()
        shift = max(self.shift, other.shift)
        self._coarsen(shift - self.shift)
        self._put_aside(other.runs.coarsen(shift - other.shift))
        self.settle()

    def settle(self) -> None:
        """Bring everything that was counted into `runs`, and drop the bits that must go."""
        loose, self._loose, self._loose_size = self._loose, [], 0
        if self._window is not None:
            for sign, row in enumerate(self._window):
                slots = np.flatnonzero(row)
                keys = slots + self._low
                loose.append(Runs(~keys[::-1], row[slots][::-1]) if sign else Runs(keys, row[slots]))
            self._window = None
        for runs in loose:
            self.runs = self.runs.merge(runs)
        self._coarsen(self.runs.bits_beyond(self.limit))

    def intervals(self) -> tuple[Floats, Floats, Integers]:
        """Return the least and the greatest number that each bin may hold, in ascending order, and the counts."""
        self.settle()
        keys, counts = self.runs
        is_negative = keys < 0
        magnitudes = np.where(is_negative, ~keys, keys)
        # Neither zeros are in here nor what is beyond the largest number, though their bits may begin like others'.
        near = np.maximum(magnitudes << self.shift, 1).view(np.float64)
        far = np.minimum(((magnitudes + 1) << self.shift) - 1, _LARGEST).view(np.float64)
        return np.where(is_negative, -far, near), np.where(is_negative, -near, far), counts

    def __getstate__(self) -> tuple[int, int, Runs]:
        self.settle()
        return self.limit, self.shift, self.runs

    def __setstate__(self, state: tuple[int, int, Runs]) -> None:
        limit, self.shift, self.runs = state
        self.limit = limit
        self._window, self._low, self._loose, self._loose_size = None, 0, [], 0

    def _coarsen(self, bits: int) -> None:
        if bits:
            self.runs = self.runs.coarsen(bits)
            self.shift += bits

    def _put_aside(self, runs: Runs) -> None:
        self._loose.append(runs)
        self._loose_size += len(runs.keys)
        # Without a window, whether numbers are still counted exactly must be known at once.
        if self.shift == 0 or self._loose_size > 8 * self.limit:
            self.settle()

    def _add_to_window(self, values: Floats) -> None:
        bits = values.view(np.int64)
        slots = bits & _MAGNITUDE
        slots >>= self.shift
        least, greatest = int(slots.min()), int(slots.max())
        window = self._window_for(slots, least, greatest)
        size = window.shape[1]
        slots -= self._low
        outside = None
        if least < self._low or greatest >= self._low + size:
            is_inside = slots.view(np.uint64) < np.uint64(size)
            outside = values[~is_inside]
            bits, slots = bits[is_inside], slots[is_inside]
        signs = bits.view(np.uint64) >> np.uint64(63)
        if signs.any():
            slots += signs.view(np.int64) * size
            window += np.bincount(slots, minlength=2 * size).reshape(2, size)
        else:
            window[0] += np.bincount(slots, minlength=size)
        if outside is not None:
            self._put_aside(Runs.of(ordered_keys(outside) >> self.shift))

    def _window_for(self, slots: Integers, least: int, greatest: int) -> Integers:
        """Return the table, made or made larger so that it has these slots, if it may be as large as that."""
        most = _WINDOW_FACTOR * self.limit
        window = self._window
        if window is None:
            if greatest - least >= most:
                middle = int(np.partition(slots, len(slots) // 2)[len(slots) // 2])
                least, greatest = middle - most // 2, middle + most // 2 - 1
            self._low, stop = _padded(least, greatest + 1, most)
            self._window = window = np.zeros((2, stop - self._low), np.int64)
            return window
        low, high = min(least, self._low), max(greatest + 1, self._low + window.shape[1])
        if window.shape[1] < high - low <= most:
            start, stop = _padded(low, high, most)
            larger = np.zeros((2, stop - start), np.int64)
            larger[:, self._low - start : self._low - start + window.shape[1]] = window
            self._low, self._window = start, larger
            return larger
        return window


def ordered_keys(values: Floats) -> Integers:
    """Return integers that sort as the numbers do, and none for two of them."""
    bits = values.view(np.int64)
    return bits ^ ((bits >> 63) & _MAGNITUDE)


def _padded(low: int, high: int, most: int) -> tuple[int, int]:
    """Widen a range by a half of itself, while it stays within `most`: the next numbers will not fit it exactly."""
    spare = min(high - low, most - (high - low))
    return low - spare // 2, high + spare // 2
