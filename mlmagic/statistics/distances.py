"""How far two distributions lie apart, from 0 to 1, as Vertex AI measures drift; without numpy, for any kernel."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from mlmagic.spec.statistics import Histogram, Vocabulary

# As many as histograms have themselves; over a wider range.
_BINS = 40

# Of numbers beyond this, a difference may be infinite: all are scaled down.
_LARGE = 1e300
_SCALE = 2.0**-64


def jensen_shannon(first: Histogram, second: Histogram) -> float:
    """Return the Jensen-Shannon divergence to base 2, on bins of the same width over the range of both."""
    if not sum(first.counts) or not sum(second.counts):
        return 0.0 if sum(first.counts) == sum(second.counts) else 1.0
    low, high = min(first.low, second.low), max(first.high, second.high)
    scale = _SCALE if max(-low, high) > _LARGE else 1.0
    edges = [low * scale + (high * scale - low * scale) * place / _BINS for place in range(1, _BINS)]
    ours, theirs = _shares(first, edges, scale), _shares(second, edges, scale)
    middle = [(one + other) / 2 for one, other in zip(ours, theirs, strict=True)]
    return min(1.0, max(0.0, (_divergence(ours, middle) + _divergence(theirs, middle)) / 2))


def l_infinity(
    first: Vocabulary, second: Vocabulary, *, first_count: int | None = None, second_count: int | None = None
) -> float:
    """Return the largest difference between the shares of a value.

    A vocabulary that is not complete needs the count of all the values of its column: else only those listed count.
    """
    ours = {value.value: value.count for value in first.values}
    theirs = {value.value: value.count for value in second.values}
    total = first_count or sum(ours.values())
    other_total = second_count or sum(theirs.values())
    if not total or not other_total:
        return 0.0 if total == other_total else 1.0
    return max(
        (abs(ours.get(value, 0) / total - theirs.get(value, 0) / other_total) for value in ours | theirs), default=0.0
    )


def _shares(histogram: Histogram, edges: Sequence[float], scale: float) -> list[float]:
    total = sum(histogram.counts)
    below = [0.0, *(_share_below(histogram, edge, scale, total) for edge in edges), 1.0]
    return [max(0.0, after - before) for before, after in itertools.pairwise(below)]


def _share_below(histogram: Histogram, edge: float, scale: float, total: float) -> float:
    """Return the share up to an edge, as if what is in a bin were spread evenly."""
    low, high = histogram.low * scale, histogram.high * scale
    if edge < low:
        return 0.0
    if edge >= high:
        return 1.0
    place = (edge - low) / (high - low) * len(histogram.counts)
    whole = min(int(place), len(histogram.counts) - 1)
    return (sum(histogram.counts[:whole]) + histogram.counts[whole] * (place - whole)) / total


def _divergence(shares: Sequence[float], middle: Sequence[float]) -> float:
    return sum(share * math.log2(share / half) for share, half in zip(shares, middle, strict=True) if share)
