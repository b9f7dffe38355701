"""What the programs that read and count files for monitoring are asked, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.noun import Noun
from mlmagic.spec.statistics import SplitStatistics

COUNTS = "counts.json"
"""The file in which a pipeline leaves its `CountReading`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Noun):
    """What is to be read."""

    paths: tuple[str, ...]
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    """As what columns are read; those that are not in the files do not matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Noun):
    """What became of it."""

    error: str | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)
    """How many rows could not be read, by reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting(Noun):
    """What of the rows of files is counted."""

    baseline: SplitStatistics
    """Whose columns are counted, beside whose bins."""
    skipped: tuple[str, ...] = ()
    """Columns that are not."""
    skips_lacking: bool = False
    """Whether columns that the files do not have are left out; else they are missing in every row."""
    by: str | None = None
    """A column by whose values the rows are divided, too."""
    values: tuple[str, ...] = ()
    """Those values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCounts(Noun):
    """What was counted."""

    statistics: SplitStatistics
    bins: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Of numbers: counts over the baseline's bins, with one below and one above them."""
    slices: Mapping[str, SplitStatistics] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    """Columns that were left out, for the files do not have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRequest(Noun):
    """What a pipeline is to count."""

    files: Request
    counting: Counting
    workers: int = 1
    """Threads."""
    seen: str | None = None
    """A digest of the files as they were when a job was asked for, by which that is found again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountReading(Noun):
    """What became of it."""

    reading: Reading
    counts: FileCounts | None = None
    """None where there was an error."""
