"""What a version answered beside what was so, row by row, and the metrics of any of these rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlmagic.evaluation import binary, intervals, multiclass, regression
from mlmagic.evaluation.directions import is_improvement
from mlmagic.spec.evaluation import Difference, Metric, Task, VersionEvaluation

Array = np.ndarray[Any, np.dtype[Any]]

_PROPORTIONS = frozenset({"accuracy", "precision", "recall", "top_3_accuracy"})
_BETWEEN_0_AND_1 = frozenset({"auc", "average_precision", "f1", "f1_macro", "f1_weighted", "brier"}) | {
    "precision_macro",
    "recall_macro",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One version's answers. All arrays have a number for each row."""

    version: str
    task: Task
    actual: Array
    """Numbers; of classes, the number of each row's class."""
    predicted: Array
    score: Array | None = None
    """Of two classes: the probability of class 1. Of several: of the row's own class."""
    rank: Array | None = None
    """Of several classes: how many were thought more probable than the row's own."""
    labels: tuple[str, ...] = ()
    """The names of the classes."""
    without_answer: int = 0

    def metrics(self, places: Array | slice = slice(None)) -> dict[str, float]:
        """Return the metrics of the rows at these places; NaN where one is not defined."""
        actual, predicted = self.actual[places], self.predicted[places]
        score = None if self.score is None else self.score[places]
        if self.task is Task.REGRESSION:
            return regression.regression_metrics(actual, predicted)
        if self.task is Task.BINARY:
            return binary.binary_metrics(actual, predicted, score)
        rank = None if self.rank is None else self.rank[places]
        return multiclass.multiclass_metrics(actual, predicted, len(self.labels), score, rank)


def with_intervals(
    outcome: Outcome, places: Array | None = None, *, draws: int = intervals.DRAWS, most: int = intervals.MOST_DRAWN
) -> tuple[Metric, ...]:
    """Return the metrics of all rows, or of those at some places, with how far they may be off."""
    places = np.arange(len(outcome.actual)) if places is None else places
    values = outcome.metrics(places)
    drawn = {name: value for name, value in values.items() if name not in _PROPORTIONS}
    found = intervals.intervals(
        lambda chosen: outcome.metrics(places[chosen]), len(places), drawn, draws=draws, most=most
    )
    for name in _PROPORTIONS & values.keys():
        if math.isfinite(values[name]):
            found[name] = intervals.proportion_interval(values[name], _rows_of(name, outcome, places))
    return tuple(_metric(name, value, found.get(name)) for name, value in values.items())


def _metric(name: str, value: float, interval: intervals.Interval | None) -> Metric:
    if not math.isfinite(value):
        return Metric(name=name, value=None)
    if interval is None:
        return Metric(name=name, value=value)
    low, high = interval
    if name in _BETWEEN_0_AND_1:
        low, high = max(low, 0.0), min(high, 1.0)
    return Metric(name=name, value=value, low=low, high=high)


def _rows_of(name: str, outcome: Outcome, places: Array) -> float:
    """Return how many rows a part is of: precision is one of those that were predicted positive."""
    if name == "precision":
        return float(outcome.predicted[places].sum())
    return float(outcome.actual[places].sum()) if name == "recall" else float(len(places))


def differences(outcome: Outcome, first: Outcome) -> tuple[Difference, ...]:
    """Return by how much the metrics are above those of `first` on the same rows.

    What both have in common, rows that are hard for any model above all, is not in the intervals.
    """

    def compute(places: Array | slice) -> dict[str, float]:
        other = first.metrics(places)
        return {name: value - other[name] for name, value in outcome.metrics(places).items() if name in other}

    values = {name: value for name, value in compute(slice(None)).items() if math.isfinite(value)}
    found = intervals.intervals(compute, len(outcome.actual), values)
    return tuple(
        Difference(name=name, value=values[name], low=low, high=high, is_better=is_improvement(name, low, high))
        for name, (low, high) in found.items()
    )


def evaluate_outcome(outcome: Outcome, first: Outcome | None = None) -> VersionEvaluation:
    """Return all that is told of a version; `first` is the one that it is compared with."""
    actual, predicted, score = outcome.actual, outcome.predicted, outcome.score
    told: dict[str, Any] = {}
    if outcome.task is Task.REGRESSION:
        told["reliability"] = regression.tenths(actual, predicted)
        told["errors"] = regression.error_histogram(actual, predicted)
        told["error_quantiles"] = regression.error_quantiles(actual, predicted)
    else:
        told["confusion"] = multiclass.confusion(actual, predicted, outcome.labels)
        told["classes"] = multiclass.class_metrics(actual, predicted, outcome.labels)
    if outcome.task is Task.BINARY and score is not None:
        told["roc"] = binary.roc_curve(actual, score)
        told["precision_recall"] = binary.precision_recall_curve(actual, score)
        told["reliability"] = binary.calibration(actual, score)
    return VersionEvaluation(
        version=outcome.version,
        without_answer=outcome.without_answer,
        metrics=with_intervals(outcome),
        differences=() if first is None else differences(outcome, first),
        **told,
    )
