"""What is told about datasets beyond their records: what looks wrong in one, and two versions side by side."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mlmagic.spec.dataset import DatasetVersion
from mlmagic.spec.noun import Noun
from mlmagic.spec.report import Difference, FileDifference
from mlmagic.spec.statistics import ColumnStatistics, DatasetStatistics


class WarningKind(StrEnum):
    """What looks wrong."""

    NO_ROWS = "noRows"
    LEAK = "leak"
    SPLITS_DIFFER = "splitsDiffer"
    EMPTY = "empty"
    CONSTANT = "constant"
    MOSTLY_MISSING = "mostlyMissing"
    CARDINALITY = "cardinality"
    SPELLING = "spelling"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetWarning(Noun):
    """Something that looks wrong, and may be meant so."""

    kind: WarningKind
    subject: str
    """The column; of `noRows` the split."""
    detail: str
    """By how much: `93 %`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReport(Noun):
    """The page of a version: what is known about it, and which columns are shown."""

    version: DatasetVersion
    statistics: DatasetStatistics
    columns: tuple[str, ...]
    """The names of those that are shown."""
    warnings: tuple[DatasetWarning, ...] = ()
    """What looks wrong, in any column."""
    unchecked: str | None = None
    """Why it is not known whether a column leaks the target."""
    newest: int | None = None
    """The number of the newest version, if this is another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak(Noun):
    """A column that tells the target nearly by itself."""

    column: str
    score: float
    """What part of the target's variance, or of the errors of always guessing its most frequent value, it does away
    with, in rows that it was not fitted to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift(Noun):
    """How far the values of a column in one split, or version, are from those in another."""

    column: str
    measure: str
    """`Jensen-Shannon` of numbers and times, `L-infinity` of what has a vocabulary."""
    distance: float
    """From 0, the same, to 1."""
    missing: float = 0.0
    """By how much the part of missing values is higher in the second."""
    noise: float = 0.0
    """What so few rows make of two samples of the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Noun):
    """A column whose values have moved from one version to another."""

    drift: Drift
    first: ColumnStatistics
    second: ColumnStatistics


class InputChange(StrEnum):
    """What became of a file that was read."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputDifference(Noun):
    """A file that only one of two versions read, or that is another one by its size or digest."""

    path: str
    change: InputChange
    first_bytes: int | None = None
    second_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetDiff(Noun):
    """Two versions side by side."""

    first: str
    second: str
    rows: tuple[Difference, ...] = ()
    """Of each split, and rejected."""
    columns: tuple[Difference, ...] = ()
    """By name, their types."""
    settings: tuple[Difference, ...] = ()
    """Target, key, how rows are split, and the flags of the jobs."""
    moved: tuple[Moved, ...] = ()
    """Those that moved most come first."""
    compared: int = 0
    """How many columns both have with the same type."""
    features: tuple[Difference, ...] = ()
    """By name, their declarations on a line."""
    inputs: tuple[InputDifference, ...] = ()
    same_inputs: int = 0
    code: tuple[FileDifference, ...] = ()
    """The user's; without the modules of mlmagic's own that packages carry along."""
    own_modules: int = 0
    """How many of those differ."""
    is_code_known: bool = True
    """Otherwise the packages differ, and a job that has one is deleted."""
