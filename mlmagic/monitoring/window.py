"""A window of served values: counted as they come, in bounded memory, merged in any order."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

from mlmagic.monitoring.bins import baseline_counts, counted, estimated
from mlmagic.monitoring.served import batches, counted_as
from mlmagic.spec.dataset import Column, ColumnType
from mlmagic.spec.statistics import ColumnStatistics, SplitStatistics
from mlmagic.statistics.accumulator import SplitAccumulator
from mlmagic.statistics.moments import Floats
from mlmagic.statistics.numeric import NumericColumn
from mlmagic.statistics.summary import intervals_of

_TIMES = frozenset({ColumnType.TIMESTAMP, ColumnType.DATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What is known of one feature of a window."""

    statistics: ColumnStatistics
    bins: Floats | None = None
    """Counts over the baseline's bins; None where there are no numbers on one side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowValues:
    """What is known of a window."""

    rows: int
    features: Mapping[str, Values]


def monitored(baseline: SplitStatistics, features: Collection[str] = (), skipped: Collection[str] = ()) -> list[Column]:
    """Return the columns that are compared: those named, or all but times; never those skipped (target, key)."""
    return [
        Column(name=column.name, type=column.type)
        for column in baseline.columns
        if column.name not in skipped and (column.name in features if features else column.type not in _TIMES)
    ]


class Window:
    """Counts served values beside a baseline.

    Memory does not grow with the rows: numbers are counted in at most 8,192 bins a column, texts in 10,000 values.

    Args:
        baseline: the statistics of the training split, or of an earlier window.
        features: as `monitored` takes them.
        skipped: as `monitored` takes them.
    """

    def __init__(
        self, baseline: SplitStatistics, *, features: Collection[str] = (), skipped: Collection[str] = ()
    ) -> None:
        self.baseline = baseline
        self._columns = [counted_as(column) for column in monitored(baseline, features, skipped)]
        self._counts = SplitAccumulator(self._columns)

    def add(self, data: Any) -> None:
        """Count rows: an Arrow table or batch, a DataFrame, or a mapping from names to lists or arrays.

        Raises:
            UsageError: it is none of these.
        """
        for batch in batches(data, self._columns):
            self._counts.add(batch)

    def merge(self, other: Self) -> Self:
        """Count what another window of the same baseline has counted, and return this one."""
        self._counts.merge(other._counts)
        return self

    @property
    def statistics(self) -> SplitStatistics:
        """What is known so far, as a baseline for later windows."""
        return self._counts.result()

    @property
    def values(self) -> WindowValues:
        """What is known so far, to be compared with the baseline."""
        statistics = self.statistics
        bins = {column.column.name: self._bins(column) for column in self._counts.columns}
        return WindowValues(
            rows=statistics.rows,
            features={column.name: Values(statistics=column, bins=bins[column.name]) for column in statistics.columns},
        )

    def _bins(self, column: Any) -> Floats | None:
        known = self.baseline.column(column.column.name)
        if not isinstance(column, NumericColumn) or known is None or known.numeric is None or not column.moments.count:
            return None
        return counted(intervals_of(column.histogram, column.moments), known.numeric.histogram)


def values_of(
    statistics: SplitStatistics,
    baseline: SplitStatistics,
    *,
    features: Collection[str] = (),
    skipped: Collection[str] = (),
) -> WindowValues:
    """Return what the statistics of a window alone tell; its bins are those of its quantiles."""
    found = {}
    for column in monitored(baseline, features, skipped):
        known, current = baseline.column(column.name), statistics.column(column.name)
        if current is None:
            current = ColumnStatistics(name=column.name, type=column.type, count=0, missing=statistics.rows)
        bins = None
        if known is not None and known.numeric is not None and current.numeric is not None:
            is_same = current.numeric.histogram == known.numeric.histogram
            histogram = known.numeric.histogram
            bins = baseline_counts(histogram) if is_same else estimated(current.numeric, current.count, histogram)
        found[column.name] = Values(statistics=current, bins=bins)
    return WindowValues(rows=statistics.rows, features=found)
