"""What is known about the values of a dataset: the same numbers for the same rows, in whatever order they came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.noun import Noun

QUANTILES = 256
"""Quantiles are told at 0/256, 1/256, … 256/256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram(Noun):
    """Counts in bins of the same width from `low` to `high`; the last bin has its upper edge too."""

    low: float
    high: float
    counts: tuple[float, ...]
    """40 of them, or one where there is a single number. A bin that cuts through the finer ones that were counted gets
    its part of their counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericStatistics(Noun):
    """Of the finite values of a column; of times, in seconds since 1970 in UTC; of booleans, 0 and 1."""

    minimum: float
    maximum: float
    mean: float
    variance: float
    """Of the values themselves: the sum of squares is divided by their count."""
    zeros: int = 0
    negative: int = 0
    not_finite: int = 0
    """NaN counts as missing; this counts the infinite ones, which count nowhere else."""
    quantiles: tuple[float, ...]
    """257, from the minimum to the maximum: each the least number at or below which there is its part of the count."""
    rank_error: float = 0.0
    """At most by what part of the count the rank of any of the quantiles is off."""
    histogram: Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCount(Noun):
    """A value as text, as the model would see it, and how many rows have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary(Noun):
    """The most frequent values, by descending count and then by text."""

    values: tuple[ValueCount, ...]
    is_complete: bool
    """There are no others. Texts of more than 1,024 bytes are not listed, and nor are the rare ones of too many."""
    count_error: int = 0
    """By how many a count may be too low, and how often such a rare one occurs at most; 0 if none was left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextStatistics(Noun):
    """Of the lengths of the texts of a column, in characters."""

    shortest: int
    longest: int
    mean_length: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnStatistics(Noun):
    """Of one column in one split."""

    name: str
    type: ColumnType
    count: int
    """Of values that are not missing."""
    missing: int = 0
    unique: int = 0
    is_unique_exact: bool = True
    """Otherwise `unique` is an estimate, within about 1 %."""
    numeric: NumericStatistics | None = None
    """None of text, and where there is no finite value."""
    text: TextStatistics | None = None
    vocabulary: Vocabulary | None = None
    """Of text and booleans, and of whole numbers with few distinct values."""
    tokens: Vocabulary | None = None
    """The words in a column that is declared as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitStatistics(Noun):
    """Of one split."""

    rows: int
    columns: tuple[ColumnStatistics, ...] = ()

    def column(self, name: str) -> ColumnStatistics | None:
        """Return what is known about a column."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow(Noun):
    """An example of a row that was rejected."""

    file: str
    reason: str
    """Such as `fare: "abc" is not a number`."""
    line: int | None = None
    """Of the file, from 1, where that is known."""
    text: str | None = None
    """The beginning of the row as it stands in the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts(Noun):
    """What became of the rows that were read. `read` = `written` + `removed` + the rejected."""

    read: int
    written: int
    removed: int = 0
    """By `clean`; it may also add rows, then this is negative."""
    rejected: Mapping[str, int] = field(default_factory=dict)
    """By reason, without the value: `fare: not a number`."""
    samples: tuple[RejectedRow, ...] = ()
    """A few of each reason."""

    @property
    def rejected_rows(self) -> int:
        """How many were rejected, for whatever reason."""
        return sum(self.rejected.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetStatistics(Noun):
    """`statistics.json`. What models learn comes from the split `train` alone."""

    splits: Mapping[str, SplitStatistics]
    rows: RowCounts
