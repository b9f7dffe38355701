"""How well versions of a model answer for rows whose answers are known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mlmagic.spec.noun import Noun


class Task(StrEnum):
    """What kind of answers a model gives."""

    REGRESSION = "regression"
    """Numbers."""
    BINARY = "binary"
    """One of two classes."""
    MULTICLASS = "multiclass"
    """One of several classes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Noun):
    """A metric with its 95 % interval: where it would lie for other rows of the same kind."""

    name: str
    value: float | None
    """None where it is not defined, such as the AUC of rows of one class."""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve(Noun):
    """Points of a curve in their order, at most a few hundred."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    thresholds: tuple[float, ...] = ()
    """Of a score: the least one that counts as positive at each point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion(Noun):
    """How often each class was taken for which: a row for each actual class, a column for each predicted one."""

    labels: tuple[str, ...]
    """The most frequent classes."""
    counts: tuple[tuple[int, ...], ...]
    has_others: bool = False
    """The last row and column stand for all other classes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin(Noun):
    """Rows with about the same prediction: what was predicted of them, and what was so."""

    predicted: float
    actual: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorHistogram(Noun):
    """Predicted minus actual, in bins of the same width from `low` to `high`."""

    low: float
    high: float
    counts: tuple[int, ...]
    below: int = 0
    """Rows whose error is less than `low`."""
    above: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorQuantile(Noun):
    """The error that a part of the rows does not exceed."""

    part: float
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMetrics(Noun):
    """Of one class among several."""

    label: str
    rows: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Noun):
    """The rows with one value of a column, or with values from one number to another."""

    value: str
    rows: int
    metrics: tuple[tuple[Metric, ...], ...]
    """For each version, those that `EvaluationReport.slice_metrics` names."""
    is_small: bool = False
    """So few rows that its metrics say little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Noun):
    """By how much a version's metric is above that of the first version, on the same rows."""

    name: str
    value: float
    low: float
    high: float
    is_better: bool | None
    """None where the interval holds 0, so that it may be chance, or where neither way is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEvaluation(Noun):
    """How well one version answers."""

    version: str
    """Such as `taxi@2`."""
    without_answer: int = 0
    """Rows for which it returned NaN; they are left out of all metrics."""
    metrics: tuple[Metric, ...]
    """The one that is named first counts most."""
    differences: tuple[Difference, ...] = ()
    """From the first version; of that one none."""
    reliability: tuple[ReliabilityBin, ...] = ()
    """Of numbers: by tenths of the rows, from the lowest prediction. Of two classes: by tenths of probability."""
    errors: ErrorHistogram | None = None
    error_quantiles: tuple[ErrorQuantile, ...] = ()
    roc: Curve | None = None
    precision_recall: Curve | None = None
    confusion: Confusion | None = None
    classes: tuple[ClassMetrics, ...] = ()
    """Of the most frequent classes."""

    def metric(self, name: str) -> Metric | None:
        """Return the metric of that name, if it was computed."""
        return next((metric for metric in self.metrics if metric.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance(Noun):
    """How much worse a version answers when the values of a column are put into other rows."""

    version: str
    column: str
    worse: float | None
    """The mean change of the metric, above 0 where it got worse; None where it is not defined."""
    error: float | None
    """The standard error of the mean, over the times that it was shuffled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Importances(Noun):
    """How much the versions need each column."""

    metric: str
    rows: int
    """That were shuffled."""
    columns: tuple[Importance, ...]
    """Version by version, of each the largest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReport(Noun):
    """Versions of models on the same rows."""

    task: Task
    data: str
    """Such as `taxi@1`, or what a DataFrame is called."""
    split: str | None = None
    target: str
    rows: int
    """That were evaluated."""
    without_target: int = 0
    """Rows that were left out, for their target is missing."""
    every: int = 1
    """One of so many rows was evaluated."""
    positive: str | None = None
    """Of two classes: the one that the score tells of."""
    threshold: float | None = None
    """Of two classes: the score above which a row counts as positive; None where the model itself names the class."""
    classes: int | None = None
    by: str | None = None
    slice_metrics: tuple[str, ...] = ()
    slices: tuple[Slice, ...] = ()
    importances: Importances | None = None
    """Where it was asked for."""
    versions: tuple[VersionEvaluation, ...]
    notes: tuple[str, ...] = ()
