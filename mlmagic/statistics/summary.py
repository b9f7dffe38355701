"""Quantiles and a histogram of bins of the same width, from numbers that were counted in intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlmagic.spec.statistics import QUANTILES, Histogram
from mlmagic.statistics.hashing import Integers
from mlmagic.statistics.moments import Floats, Moments
from mlmagic.statistics.prefixes import PrefixHistogram

HISTOGRAM_BINS = 40

# Beyond this a difference of two numbers may be infinite: they are scaled down first.
_LARGE = 1e300
_SCALE = 2.0**-64


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Disjoint intervals in ascending order, and how many numbers are in each; where `low` = `high`, a number."""

    low: Floats
    high: Floats
    counts: Integers


def intervals_of(histogram: PrefixHistogram, moments: Moments) -> Intervals:
    """Return the intervals of the histogram, cut at the extremes, with one more of the zeros."""
    low, high, counts = histogram.intervals()
    if moments.zeros:
        place = int(np.searchsorted(low, 0.0))
        low, high = np.insert(low, place, 0.0), np.insert(high, place, 0.0)
        counts = np.insert(counts, place, moments.zeros)
    return Intervals(low=np.maximum(low, moments.minimum), high=np.minimum(high, moments.maximum), counts=counts)


def quantiles_of(intervals: Intervals) -> tuple[tuple[float, ...], float]:
    """Return the quantiles, and by what part of the count the rank of any may be off.

    A quantile is the least number at or below which there are as many as its part of the count; in an interval that
    is no single number, as if those in it were spread evenly.
    """
    low, high, counts = intervals.low, intervals.high, intervals.counts
    below = np.cumsum(counts)
    total = int(below[-1])
    ranks = np.arange(QUANTILES + 1) * total  # 256 times what they are, so that all are whole
    chosen = np.searchsorted(below * QUANTILES, np.maximum(ranks, 1))
    inside = (ranks - (below - counts)[chosen] * QUANTILES) / QUANTILES
    inside[0] = 0.0
    first, last, size = low[chosen], high[chosen], counts[chosen]
    quantiles = np.minimum(first + (last - first) * (inside / size), last)
    # The extremes are known, whatever the interval.
    quantiles[0], quantiles[-1] = low[0], high[-1]
    errors = np.where(first < last, np.maximum(inside, size - inside), 0.0)[1:-1]
    return tuple(quantiles.tolist()), float(errors.max()) / total


def histogram_of(intervals: Intervals) -> Histogram:
    """Return the counts in bins of the same width; in one, if there is a single number."""
    least, greatest = float(intervals.low[0]), float(intervals.high[-1])
    if least == greatest:
        return Histogram(low=least, high=greatest, counts=(float(intervals.counts.sum()),))
    scale = _SCALE if max(-least, greatest) > _LARGE else 1.0
    edges = np.linspace(least * scale, greatest * scale, HISTOGRAM_BINS + 1)
    scaled = Intervals(low=intervals.low * scale, high=intervals.high * scale, counts=intervals.counts)
    return Histogram(low=least, high=greatest, counts=tuple(counts_between(scaled, edges).tolist()))


def counts_between(intervals: Intervals, edges: Floats) -> Floats:
    """Return the counts between neighbouring edges; the last bin has its upper edge too.

    What is beyond the edges is not counted if it is in an interval; a single number must lie within them.
    """
    low, high = intervals.low, intervals.high
    is_number = low == high
    places = np.searchsorted(edges[1:-1], low[is_number], side="right")
    counts = np.bincount(places, intervals.counts[is_number], minlength=len(edges) - 1).astype(np.float64)
    if not is_number.all():
        spread = intervals.counts[~is_number]
        ends = np.column_stack([low[~is_number], high[~is_number]]).ravel()
        sums = np.cumsum(spread)
        counts += np.diff(np.interp(edges, ends, np.column_stack([sums - spread, sums]).ravel()))
    return counts
