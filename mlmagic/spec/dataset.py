"""A dataset: numbered versions that never change, each with its splits, its schema and where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mlmagic.spec.noun import Noun

_FIRST = ("train", "eval", "test")


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of splits as they follow each other: train, eval, test, then others by name."""
    return tuple(sorted(names, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)))


class ColumnType(StrEnum):
    """What a column holds. Any value may be missing; of text, the empty one counts as missing."""

    INTEGER = "integer"
    """64 bits, signed."""
    FLOAT = "float"
    BOOLEAN = "boolean"
    STRING = "string"
    TIMESTAMP = "timestamp"
    """A moment in UTC, or a time of day somewhere, to the microsecond."""
    DATE = "date"


class SplitBy(StrEnum):
    """What decides to which split a row belongs."""

    KEY = "key"
    """A stable hash of the key column."""
    ROW = "row"
    """A stable hash of all its values: with another column, or another type of one, rows are divided anew."""
    TIME = "time"
    """The value of a column of times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Noun):
    """A column of the cleaned rows."""

    name: str
    type: ColumnType


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRule(Noun):
    """How rows were divided."""

    by: SplitBy = SplitBy.ROW
    column: str | None = None
    """The key, or the column of times."""
    fractions: Mapping[str, float] = field(default_factory=lambda: {"train": 0.8, "eval": 0.1, "test": 0.1})
    """What part of all rows a split gets; they add up to 1. Of a division by time, the earliest comes first."""
    starts: Mapping[str, datetime] = field(default_factory=dict)
    """By time: when each split but the first begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSchema(Noun):
    """`schema.json`: what the shards hold, and how a model takes it."""

    columns: tuple[Column, ...]
    target: str | None = None
    key: str | None = None
    """The column that names a row: no feature, and passed through by the model."""
    features: Mapping[str, object] = field(default_factory=dict)
    """The declaration of the features, in the form that `spec.features.declaration` returns."""
    are_features_inferred: bool = False
    split: SplitRule = field(default_factory=SplitRule)
    rows: Mapping[str, int] = field(default_factory=dict)
    """How many rows each split has."""

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits: train, eval, test, then others by name."""
        return in_order(self.rows)

    def column(self, name: str) -> Column | None:
        """Return the column of that name, if there is one."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile(Noun):
    """A file that was read."""

    path: str
    size_bytes: int
    digest: str | None = None
    """`sha256:…` of its content; `sampled-sha256:…` of its size and of blocks spread evenly over a large one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetOrigin(Noun):
    """`origin.json`: where a version came from. The pipeline writes the inputs, the supervisor adds the rest."""

    create_time: datetime | None = None
    """When the version was registered."""
    job_id: str | None = None
    package_digest: str | None = None
    args: tuple[str, ...] = ()
    """The flags of the program that made it."""
    cell: str | None = None
    """The code that cleaned it, with what it took from earlier cells; the job and its package may be deleted."""
    inputs: tuple[InputFile, ...] = ()
    location: str | None = None
    """`gs://…`, where the same files lie that Dataflow wrote; None of one that was made on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetVersion(Noun):
    """An immutable version."""

    dataset: str
    number: int
    create_time: datetime
    schema: DatasetSchema
    origin: DatasetOrigin = field(default_factory=DatasetOrigin)
    size_bytes: int = 0

    def __str__(self) -> str:
        return f"{self.dataset}@{self.number}"
