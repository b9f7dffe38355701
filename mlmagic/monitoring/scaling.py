"""Whether numbers are those of the baseline in another unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlmagic.monitoring.quantiles import distance
from mlmagic.monitoring.units import CONVERSIONS, Conversion
from mlmagic.statistics.moments import Floats

_LEAST_DISTANCE = 0.1
"""Of the cumulative distributions: what moved less is no other unit."""
_LEAST_GAIN = 4.0
"""So many times as near the scaled numbers must be."""
_CENTRAL = slice(13, 244)
"""The quantiles between 5 % and 95 %: those beyond are uncertain."""
_LEAST_FACTOR = 1.1
_SURE = 3.0
"""Standard errors of the factor, within which a unit's own must be."""
_ROUNDING, _FARTHEST = 0.02, 0.25
"""Of its logarithm: what quantiles cost at least, and the most that few rows may excuse."""
_NEAR_ONE = 0.2
"""Of its logarithm: numbers with few values, such as wind speeds, move by such factors in any season."""
_MOST_UNITS = 3
"""Where more are as likely, none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """The numbers of the window are those of the baseline, multiplied."""

    factor: float
    """As it was measured."""
    conversions: tuple[Conversion, ...] = ()
    """Of the units that explain it, the likeliest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    factor: float
    error: float
    """How far its logarithm may be from that of a unit's factor."""

    def is_of(self, conversion: Conversion) -> bool:
        return abs(math.log(self.factor / conversion.factor)) <= self.error


def scaled(
    baseline: Floats,
    window: Floats,
    chance: float,
    count: float,
    conversions: Sequence[Conversion] = CONVERSIONS,
) -> Scaled | None:
    """Return by what the numbers were multiplied, if that explains how they moved and adding a number does not.

    Args:
        baseline: its quantiles.
        window: its quantiles.
        chance: how far their cumulative distributions may lie apart by chance.
        count: of how many numbers the quantiles are, as far as chance goes: half of the harmonic mean of both counts.
        conversions: between units that it may be.
    """
    apart = distance(baseline, window)
    if apart < max(_LEAST_DISTANCE, chance):
        return None
    enough = max(chance, apart / _LEAST_GAIN)
    measured = _measured(baseline, window, count)
    moved = distance(baseline + float(np.median(window) - np.median(baseline)), window)
    left = {each: distance(baseline * each.factor + each.offset, window) for each in conversions}
    found = _units(left, measured, enough, moved)
    if found and (apart >= 2 * enough or not _is_near_one(found[0])):
        factor = found[0].factor if measured is None or found[0].offset else measured.factor
        return Scaled(factor=factor, conversions=found)
    if measured is None or 1 / _LEAST_FACTOR < measured.factor < _LEAST_FACTOR:
        return None
    left_by_factor = distance(baseline * measured.factor, window)
    return Scaled(factor=measured.factor) if left_by_factor <= enough and left_by_factor < moved else None


def _units(
    left: Mapping[Conversion, float], measured: _Measured | None, enough: float, moved: float
) -> tuple[Conversion, ...]:
    """Return the conversions that explain it, the nearest first; none if that one does not, or too many do.

    `left` is how far apart each leaves the distributions, `moved` how far adding a number does.
    """
    if not left:
        return ()
    nearest, *others = sorted(left, key=left.__getitem__)
    if left[nearest] > enough or not (left[nearest] < moved or nearest.offset):
        return ()
    if measured is None or nearest.offset:
        return (nearest,)
    if not measured.is_of(nearest):
        return ()
    likely = [each for each in others if left[each] <= enough and not each.offset and measured.is_of(each)]
    return (nearest, *likely) if len(likely) < _MOST_UNITS else ()


def _is_near_one(conversion: Conversion) -> bool:
    return not conversion.offset and abs(math.log(conversion.factor)) < _NEAR_ONE


def _measured(baseline: Floats, window: Floats, count: float) -> _Measured | None:
    """Return the usual ratio of the quantiles; None if too many are 0, or of other signs."""
    before, after = baseline[_CENTRAL], window[_CENTRAL]
    is_fit = before * after > 0
    if np.count_nonzero(is_fit) < len(before) // 4:
        return None
    spread = float(np.std(np.log(np.abs(after[is_fit]))))
    return _Measured(
        factor=float(np.median(after[is_fit] / before[is_fit])),
        error=min(_ROUNDING + _SURE * spread / math.sqrt(count), _FARTHEST),
    )
