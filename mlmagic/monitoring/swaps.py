"""Columns that have each other's values."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from mlmagic.monitoring.feature import Measured
from mlmagic.monitoring.quantiles import chance_distance, distance
from mlmagic.spec.monitoring import MetricType
from mlmagic.spec.statistics import ColumnStatistics
from mlmagic.statistics.distances import l_infinity

_LEAST_DISTANCE = 0.1
_LEAST_GAIN = 4.0
"""So many times as near the other column's values must be."""


def swapped(features: Sequence[Measured]) -> dict[str, str]:
    """Return the features that are surely swapped, each with the other one."""
    found: dict[str, str] = {}
    moved = [feature for feature in features if feature.has_moved]
    for first, second in itertools.combinations(moved, 2):
        if first.name not in found and second.name not in found and _are_swapped(first, second):
            found |= {first.name: second.name, second.name: first.name}
    return found


def _are_swapped(first: Measured, second: Measured) -> bool:
    if first.metric_type is not second.metric_type:
        return False
    for one, other in ((first, second), (second, first)):
        own, crossed = _distance(one, one), _distance(one, other)
        if own is None or crossed is None or own < _LEAST_DISTANCE:
            return False
        chance = other.noise.limit
        if one.metric_type is MetricType.JENSEN_SHANNON:
            chance = chance_distance(one.counts[0], other.counts[1], one.alpha)
        if own <= chance or crossed > max(own / _LEAST_GAIN, min(chance, own / 2)):
            return False
    return True


def _distance(known: Measured, served: Measured) -> float | None:
    baseline, window = known.baseline, served.window.statistics
    if known.metric_type is MetricType.L_INFINITY:
        return _of_categories(baseline, window)
    if baseline.numeric is None or window.numeric is None:
        return None
    return distance(np.array(baseline.numeric.quantiles), np.array(window.numeric.quantiles))


def _of_categories(baseline: ColumnStatistics, window: ColumnStatistics) -> float | None:
    if baseline.vocabulary is None or window.vocabulary is None or not baseline.count or not window.count:
        return None
    return l_infinity(baseline.vocabulary, window.vocabulary, first_count=baseline.count, second_count=window.count)
