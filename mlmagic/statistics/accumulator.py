"""The statistics of a split, from batches of its rows in any order, in any number of parts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol, Self

import pyarrow as pa

from mlmagic.spec.dataset import Column, ColumnType
from mlmagic.spec.statistics import ColumnStatistics, SplitStatistics
from mlmagic.statistics.numeric import NumericColumn
from mlmagic.statistics.texts import TextColumn

# Small batches are counted together, for much of the time that one takes does not depend on its rows; but not so many
# that they fill the memory.
_PENDING_ROWS = 1 << 16
_PENDING_BYTES = 1 << 25

# Bins of the histograms of all columns together, and of one at most and at least.
_ALL_BINS = 1 << 20
_MOST_BINS = 1 << 13
_LEAST_BINS = 1 << 8


class _ColumnCounts(Protocol):
    column: Column

    def add(self, values: Any) -> None: ...

    def merge(self, other: Any) -> None: ...

    def result(self) -> ColumnStatistics: ...


class SplitAccumulator:
    """Counts the rows of one split.

    What comes out depends on the rows alone, not on their order, the batches, or the order of merges; the mean and the
    variance to the last few of their digits; and of a text column with more than `vocabulary_cap` different values the
    list of the frequent ones, whose counts are within the error that it tells.
    """

    def __init__(
        self, columns: Sequence[Column], *, tokens: Collection[str] = (), vocabulary_cap: int = 10_000
    ) -> None:
        """Begin with no rows. The words of the text columns named in `tokens` are counted too."""
        bins = max(_LEAST_BINS, min(_MOST_BINS, _ALL_BINS // max(len(columns), 1)))
        self.rows = 0
        self.columns: list[_ColumnCounts] = [
            TextColumn(column, limit=vocabulary_cap, has_tokens=column.name in tokens)
            if column.type is ColumnType.STRING
            else NumericColumn(column, limit=bins)
            for column in columns
        ]
        self._pending: list[Any] = []
        self._pending_rows = self._pending_bytes = 0

    def add(self, batch: Any) -> None:
        """Count the rows of an Arrow record batch that has the columns, and maybe others."""
        self.rows += batch.num_rows
        self._pending.append(batch)
        self._pending_rows += batch.num_rows
        self._pending_bytes += batch.nbytes
        if self._pending_rows >= _PENDING_ROWS or self._pending_bytes >= _PENDING_BYTES:
            self._settle()

    def merge(self, other: Self) -> Self:
        """Count what another one of the same columns has counted, and return this one."""
        self._settle()
        other._settle()
        self.rows += other.rows
        for mine, theirs in zip(self.columns, other.columns, strict=True):
            mine.merge(theirs)
        return self

    def result(self) -> SplitStatistics:
        """Return the statistics of all rows so far; more may follow."""
        self._settle()
        return SplitStatistics(rows=self.rows, columns=tuple(column.result() for column in self.columns))

    def __getstate__(self) -> dict[str, Any]:
        self._settle()
        return self.__dict__

    def _settle(self) -> None:
        pending, self._pending = self._pending, []
        self._pending_rows = self._pending_bytes = 0
        for column in self.columns if pending else ():
            for values in _joined([batch.column(column.column.name) for batch in pending]):
                column.add(values)


def _joined(arrays: list[Any]) -> list[Any]:
    """Return one array in place of several; those with dictionaries of their own stay as they are."""
    if len(arrays) == 1 or pa.types.is_dictionary(arrays[0].type) or len({array.type for array in arrays}) > 1:
        return arrays
    return [pa.concat_arrays(arrays)]
