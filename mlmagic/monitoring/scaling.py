"""Whether numbers are those of the baseline in another unit."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """The numbers of the window are those of the baseline, multiplied."""

    factor: float
    """As it was measured."""
    conversion: Conversion | None
    """The unit's, if there is such a one."""


def scaled(baseline: Floats, window: Floats, chance: float) -> Scaled | None:
    """Return by what the numbers were multiplied, if that explains how they moved and adding a number does not.

    Args:
        baseline: its quantiles.
        window: its quantiles.
        chance: how far their cumulative distributions may lie apart by chance.
    """
    apart = distance(baseline, window)
    if apart < max(_LEAST_DISTANCE, chance):
        return None
    enough = max(chance, apart / _LEAST_GAIN)
    left, conversion = min(
        ((distance(baseline * each.factor + each.offset, window), each) for each in CONVERSIONS), key=lambda it: it[0]
    )
    factor = _factor(baseline, window)
    moved = distance(baseline + float(np.median(window) - np.median(baseline)), window)
    if left <= enough and (left < moved or conversion.offset):
        return Scaled(
            factor=conversion.factor if factor is None or conversion.offset else factor, conversion=conversion
        )
    if factor is None or not (factor >= _LEAST_FACTOR or factor <= 1 / _LEAST_FACTOR):
        return None
    left = distance(baseline * factor, window)
    return Scaled(factor=factor, conversion=None) if left <= enough and left < moved else None


def _factor(baseline: Floats, window: Floats) -> float | None:
    """Return the usual ratio of the quantiles; None if too many are 0, or of other signs."""
    before, after = baseline[_CENTRAL], window[_CENTRAL]
    is_fit = before * after > 0
    if np.count_nonzero(is_fit) < len(before) // 4:
        return None
    return float(np.median(after[is_fit] / before[is_fit]))
