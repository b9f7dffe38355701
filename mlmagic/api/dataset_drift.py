"""How far the values of columns have moved from one split, or version, to another."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from mlmagic.panels.dataset_bins import bars
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.dataset_report import Drift
from mlmagic.spec.statistics import ColumnStatistics, Histogram, SplitStatistics
from mlmagic.statistics.distances import jensen_shannon, l_infinity

JENSEN_SHANNON, L_INFINITY = "Jensen-Shannon", "L-infinity"
_FIRST, _SECOND = "first", "second"


def drifts(first: SplitStatistics, second: SplitStatistics, skipped: Collection[str | None] = ()) -> Iterator[Drift]:
    """Yield how far each column has moved that both have with the same type."""
    others = {column.name: column for column in second.columns}
    for column in first.columns:
        other = others.get(column.name)
        if other is not None and other.type is column.type and column.name not in skipped:
            yield drift(column, other)


def drift(first: ColumnStatistics, second: ColumnStatistics) -> Drift:
    """Return how far a column has moved."""
    is_value = first.type is ColumnType.BOOLEAN or first.numeric is None or second.numeric is None
    return Drift(
        column=first.name,
        measure=L_INFINITY if is_value else JENSEN_SHANNON,
        distance=_of_values(first, second) if is_value else _of_numbers(first, second),
        missing=_missing(second) - _missing(first),
        noise=_noise(first, second),
    )


def _of_values(first: ColumnStatistics, second: ColumnStatistics) -> float:
    if first.vocabulary is None or second.vocabulary is None or not first.count or not second.count:
        return 0.0
    return l_infinity(first.vocabulary, second.vocabulary, first_count=first.count, second_count=second.count)


def _of_numbers(first: ColumnStatistics, second: ColumnStatistics) -> float:
    """Return the divergence over the range that is drawn: one far number would leave a single bin for the others."""
    drawn = bars({_FIRST: first, _SECOND: second})
    if drawn is None or not drawn.edges or len(drawn.shares) < 2:
        return 0.0
    low, high = drawn.edges[0], drawn.edges[-1]
    one, other = (Histogram(low=low, high=high, counts=drawn.shares[split]) for split in (_FIRST, _SECOND))
    return jensen_shannon(one, other)


def _missing(column: ColumnStatistics) -> float:
    rows = column.count + column.missing
    return column.missing / rows if rows else 0.0


def _noise(first: ColumnStatistics, second: ColumnStatistics) -> float:
    """Return what chance alone makes of shares, with three standard errors."""
    return sum(1.5 / math.sqrt(max(1, column.count + column.missing)) for column in (first, second))
