"""Counts of numbers over the bins of a baseline's histogram, with one bin below them and one above."""

from __future__ import annotations

import numpy as np

from mlmagic.monitoring.quantiles import share_below
from mlmagic.spec.statistics import Histogram, NumericStatistics
from mlmagic.statistics.moments import Floats
from mlmagic.statistics.summary import Intervals, counts_between

# Of numbers beyond this a difference may be infinite: all are scaled down.
_LARGE = 1e300
_SCALE = 2.0**-64


def baseline_counts(histogram: Histogram) -> Floats:
    """Return the counts of the baseline itself: nothing is beyond its own extremes."""
    return np.array([0.0, *histogram.counts, 0.0])


def counted(intervals: Intervals, histogram: Histogram) -> Floats:
    """Return how many of the numbers that were counted in intervals are in each bin."""
    low, high = float(intervals.low[0]), float(intervals.high[-1])
    scale = _scale(histogram, low, high)
    edges = _edges(histogram, scale)
    ends = np.array([min(low * scale, edges[0]) - 1.0, *edges, max(high * scale, edges[-1]) + 1.0])
    scaled = Intervals(low=intervals.low * scale, high=intervals.high * scale, counts=intervals.counts)
    return counts_between(scaled, ends)


def estimated(window: NumericStatistics, count: int, histogram: Histogram) -> Floats:
    """Return about how many are in each bin, where there are statistics alone: right to 1/256 of all at each edge."""
    scale = _scale(histogram, window.minimum, window.maximum)
    quantiles = np.array(window.quantiles) * scale
    below = [0.0, *share_below(quantiles, _edges(histogram, scale)), 1.0]
    return np.maximum(np.diff(below), 0.0) * count


def _edges(histogram: Histogram, scale: float) -> Floats:
    """Return the edges; the last one a little higher, because the greatest number is within its bin."""
    edges = np.linspace(histogram.low * scale, histogram.high * scale, len(histogram.counts) + 1)
    edges[-1] = np.nextafter(edges[-1], np.inf)
    return edges


def _scale(histogram: Histogram, low: float, high: float) -> float:
    return _SCALE if max(-low, high, -histogram.low, histogram.high) > _LARGE else 1.0
