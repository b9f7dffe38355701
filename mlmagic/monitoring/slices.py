"""Statistics of the rows in which a column has each of a few values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from mlmagic.errors import UsageError
from mlmagic.monitoring.served import batches, counted_as
from mlmagic.monitoring.window import monitored
from mlmagic.spec.statistics import SplitStatistics
from mlmagic.statistics.accumulator import SplitAccumulator

MOST_SLICES = 20


def slices_of(baseline: SplitStatistics, column: str) -> tuple[str, ...]:
    """Return the values by which rows are divided: the most frequent ones of the baseline.

    Raises:
        UsageError: the column is not there, or its values are not listed.
    """
    known = baseline.column(column)
    if known is None:
        names = ", ".join(each.name for each in baseline.columns)
        raise UsageError(f'the baseline has no column "{column}" to divide rows by; it has {names}.')
    if known.vocabulary is None or not known.vocabulary.values:
        raise UsageError(
            f'the values of "{column}" are not listed: divide rows by a column of text, or of few numbers.'
        )
    return tuple(value.value for value in known.vocabulary.values[:MOST_SLICES])


class Slices:
    """Counts the rows of each slice by themselves; rows of other values are in none.

    Args:
        baseline: tells the columns.
        column: by whose values rows are divided.
        values: as `slices_of` returns them, so that baseline and window have the same.
    """

    def __init__(self, baseline: SplitStatistics, column: str, values: Sequence[str]) -> None:
        self._column = column
        self._columns = [counted_as(each) for each in monitored(baseline)]
        self._counts = {value: SplitAccumulator(self._columns) for value in values}

    def add(self, data: Any) -> None:
        """Count rows, as `Window.add` takes them."""
        for batch in batches(data, self._columns):
            texts = _texts(batch.column(self._column))
            for value, counts in self._counts.items():
                rows = batch.filter(pc.equal(texts, value))
                if rows.num_rows:
                    counts.add(rows)

    def merge(self, other: Self) -> Self:
        """Count what another one has counted, and return this one."""
        for value, counts in self._counts.items():
            counts.merge(other._counts[value])
        return self

    @property
    def statistics(self) -> Mapping[str, SplitStatistics]:
        """What is known of each slice that has rows."""
        return {value: counts.result() for value, counts in self._counts.items() if counts.rows}


def _texts(values: Any) -> Any:
    """Return the values as they stand in a list of values: booleans as 0 and 1, whole numbers without a point.

    Other numbers stand in none: 2.7 is not 2.
    """
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int64())
    elif pa.types.is_floating(values.type):
        is_whole = pc.equal(values, pc.floor(values))
        values = pc.if_else(is_whole, values.cast(pa.int64(), safe=False), pa.scalar(None, pa.int64()))
    return values.cast(pa.large_string())
