"""The numbers of a feature, from what is known of its column; as float32, which is what models compute with."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from itertools import pairwise

from mlmagic.spec.features import Feature, Scale
from mlmagic.spec.statistics import NumericStatistics

_LARGEST = 3.4028234663852886e38
"""Of all float32."""


def number(value: float) -> str:
    """Return the shortest text that is this float32; what is too large for one becomes the largest."""
    nearest = float32(value)
    if nearest == int(nearest) and abs(nearest) < 1e6:
        return f"{nearest:.1f}"
    return next(
        (text for digits in range(1, 9) if _is_float32(text := f"{nearest:.{digits}g}", nearest)),
        f"{nearest:.9g}",
    )


def _is_float32(text: str, value: float) -> bool:
    return abs(float(text)) <= _LARGEST and float32(float(text)) == value


def float32(value: float) -> float:
    """Return the nearest float32."""
    held = min(max(value, -_LARGEST), _LARGEST)
    return float(struct.unpack("f", struct.pack("f", held))[0])


def clip_of(feature: Feature, known: NumericStatistics) -> tuple[float, float] | None:
    """Return the numbers to which a feature is held."""
    if feature.clip is None:
        return None
    low, high = (_quantile(known.quantiles, rank) for rank in feature.clip)
    return low, high


def scaling_of(feature: Feature, known: NumericStatistics) -> tuple[float, float]:
    """Return what is taken away from a value that was clipped and logarithmised, and by what it is divided."""
    if feature.scale is Scale.NONE:
        return 0.0, 1.0
    low, high = clip_of(feature, known) or (known.minimum, known.maximum)
    if feature.scale is Scale.MIN_MAX:
        low, high = _transformed(feature, [low, high])
        return low, _usable(high - low)
    if feature.clip is None and not feature.is_log:
        return known.mean, _usable(math.sqrt(max(known.variance, 0.0)))
    held = [min(max(value, low), high) for value in known.quantiles]
    mean, variance = _moments(_transformed(feature, held))
    return mean, _usable(math.sqrt(variance))


def _usable(scale: float) -> float:
    """Return a divisor: 1 where all values are the same."""
    return scale if float32(scale) > 0 else 1.0


def _transformed(feature: Feature, values: Sequence[float]) -> list[float]:
    return [math.copysign(math.log1p(abs(value)), value) for value in values] if feature.is_log else list(values)


def _moments(quantiles: Sequence[float]) -> tuple[float, float]:
    """Return mean and variance of values that are spread evenly between neighbouring quantiles."""
    steps = max(len(quantiles) - 1, 1)
    mean = sum((one + other) / 2 for one, other in pairwise(quantiles)) / steps
    apart = [(one - mean, other - mean) for one, other in pairwise(quantiles)]
    return mean, sum((one * one + one * other + other * other) / 3 for one, other in apart) / steps


def _quantile(quantiles: Sequence[float], rank: float) -> float:
    place = rank * (len(quantiles) - 1)
    below = min(int(place), len(quantiles) - 2)
    part = place - below
    return quantiles[below] * (1 - part) + quantiles[below + 1] * part
