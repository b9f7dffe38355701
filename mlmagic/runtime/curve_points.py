"""Fewer points for a curve that has more than can be drawn, so that it looks the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

from mlmagic.runtime.event_file import Point

T = TypeVar("T")


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


def sampled(items: Sequence[T], most: int) -> Sequence[T]:
    """Return at most so many of the items, as far apart as each other, with the first and the last.

    It looks at no others: of a hundred thousand points it takes a few for a curve of the size of a word.
    """
    count = len(items)
    if count <= most:
        return items
    return [items[round(place * (count - 1) / (most - 1))] for place in range(most)]


def _value(point: Point) -> float:
    return point[2]


def _step(point: Point) -> int:
    return point[0]
