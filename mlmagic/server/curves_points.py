"""Fewer points for a curve that has more than can be drawn, so that it looks the same."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mlmagic.runtime.event_file import Point


def thinned(points: Sequence[Point], most: int) -> Sequence[Point]:
    """Return at most so many of the points: first and last, and the lowest and highest of each part between them."""
    if len(points) <= most:
        return points
    parts = (most - 2) // 2
    width = (len(points) - 2) / parts
    kept = [points[0]]
    for part in range(parts):
        kept += _extremes(points, 1 + round(part * width), 1 + round((part + 1) * width))
    kept.append(points[-1])
    return kept


def _extremes(points: Sequence[Point], begin: int, end: int) -> list[Point]:
    part = points[begin:end]
    numbers = [point for point in part if math.isfinite(point[2])]
    if len(numbers) < len(part):
        # That there is a NaN is worth more than how low the rest is.
        odd = next(point for point in part if not math.isfinite(point[2]))
        return sorted({odd, max(numbers, key=_value)} if numbers else {odd}, key=_step)
    return sorted({min(numbers, key=_value), max(numbers, key=_value)}, key=_step)


def sampled(points: Sequence[Point], most: int) -> tuple[float, ...]:
    """Return at most so many of the values, as far apart as they are, with the first and the last."""
    count = len(points)
    if count <= most:
        return tuple(point[2] for point in points)
    return tuple(points[round(place * (count - 1) / (most - 1))][2] for place in range(most))


def _value(point: Point) -> float:
    return point[2]


def _step(point: Point) -> int:
    return point[0]
