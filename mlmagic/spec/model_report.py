"""What is told about models: one, one of its versions, two versions side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlmagic.spec.model import Model, ModelVersion
from mlmagic.spec.noun import Noun
from mlmagic.spec.report import Difference, FileDifference


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPage(Noun):
    """A model with its versions."""

    model: Model
    count: int
    """Of all versions."""
    versions: tuple[ModelVersion, ...]
    """The newest, and those that an alias points at, in order of number."""
    deployed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Versions, such as `taxi@2`, to the endpoints that serve them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPage(Noun):
    """A version: where it came from, what it takes and returns, where it is used."""

    version: ModelVersion
    aliases: tuple[str, ...] = ()
    default: int
    """The number of the model's default version."""
    endpoints: tuple[str, ...] = ()
    """Those that serve it."""
    onnx: str | None = None
    """Whether ONNX Runtime can compute it, in words; None where that was not tried yet."""
    is_job_gone: bool = False
    is_dataset_gone: bool = False
    path: str = ""
    """Where its files lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputDifference(Noun):
    """How the values of one output differ, over all rows that were compared."""

    name: str
    first: float | None = None
    """The mean of what the first version returned; None of what is no number."""
    second: float | None = None
    mean: float | None = None
    """The mean absolute difference."""
    largest: float | None = None
    """The largest absolute difference."""
    changed: float | None = None
    """Of classes and texts: the part of the rows, from 0 to 1, for which it is another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDifference(Noun):
    """A row for which two versions differ."""

    row: str
    """As the data's index calls it."""
    first: str
    """What the first version returned."""
    second: str
    values: Mapping[str, str] = field(default_factory=dict)
    """Of the row itself, as the version took them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionDifference(Noun):
    """How two versions answer the same rows."""

    source: str
    """Which rows: `test of taxi@3`, or `the given data`."""
    rows: int
    outputs: tuple[OutputDifference, ...] = ()
    largest: tuple[RowDifference, ...] = ()
    """The rows that differ most, those first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDiff(Noun):
    """Two versions of models side by side."""

    first: str
    second: str
    origin: tuple[Difference, ...] = ()
    """Dataset, framework, size, and the like."""
    metrics: tuple[Difference, ...] = ()
    signature: tuple[Difference, ...] = ()
    flags: tuple[Difference, ...] = ()
    """Of the jobs that made them."""
    code: tuple[FileDifference, ...] = ()
    code_note: str | None = None
    """Why the code cannot be compared."""
    predictions: PredictionDifference | None = None
    silence: str | None = None
    """Why there are no predictions."""
