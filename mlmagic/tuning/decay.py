"""A learning curve, carried on by a power law."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

# Rates of decay that are tried, and how many points of a curve are enough to tell them apart.
_RATES = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
_POINTS = 20


def expected_end(curve: Sequence[tuple[float, float]], end: float) -> float:
    """Return the least value that a curve of places and values is expected to have had at an end.

    The curve is taken for `a + b * place ** -c` with b >= 0; a curve that does not fall stays where it is.
    """
    best = min(value for _, value in curve)
    if len(curve) > _POINTS:
        curve = [curve[round(place * (len(curve) - 1) / (_POINTS - 1))] for place in range(_POINTS)]
    first, last = curve[0][0], curve[-1][0]
    if last <= first:
        return best
    # Places in units of one measurement, from 1: they may begin with 0.
    unit = (last - first) / (len(curve) - 1)
    places = [(place - first) / unit + 1 for place, _ in curve]
    values = [value for _, value in curve]
    fits = [_fit([place**-rate for place in places], values) for rate in _RATES]
    error, limit, height, rate = min((*fit, rate) for fit, rate in zip(fits, _RATES, strict=True))
    del error
    return min(best, limit + height * float(((end - first) / unit + 1) ** -rate))


def _fit(decays: Sequence[float], values: Sequence[float]) -> tuple[float, float, float]:
    """Return squared error, limit and height of the line `limit + height * decay`. Later points weigh more."""
    weights = range(1, len(values) + 1)
    middle = statistics.fmean(decays, weights)
    mean = statistics.fmean(values, weights)
    spread = sum(weight * (decay - middle) ** 2 for weight, decay in zip(weights, decays, strict=True))
    slope = sum(
        weight * (decay - middle) * (value - mean) for weight, decay, value in zip(weights, decays, values, strict=True)
    )
    height = max(0.0, slope / spread) if spread > 0 else 0.0
    limit = mean - height * middle
    error = sum(
        weight * (value - limit - height * decay) ** 2
        for weight, decay, value in zip(weights, decays, values, strict=True)
    )
    return error, limit, height
