"""How metrics, intervals and slices of an evaluation are told, in a page and in a terminal alike."""

from __future__ import annotations

from mlmagic.panels.numbers import column, number
from mlmagic.panels.text import one_line
from mlmagic.spec.evaluation import Difference, EvaluationReport, Metric, Task

NONE = "—"
OTHERS = "others"
"""All classes but those that are shown."""
SMALL = "~"
"""Before a slice of so few rows that its metrics say little."""
MEANINGS = {
    "rmse": "root of the mean squared error",
    "mae": "mean size of the error",
    "median_ae": "half of the errors are smaller",
    "r2": "part of the variance that is explained",
    "bias": "mean of predicted minus actual",
    "mape": "mean size of the error, as a part of the actual value",
    "auc": "how often a positive row is ranked above a negative one",
    "average_precision": "precision, averaged over recall",
    "accuracy": "rows that are right",
    "precision": "rows taken for positive that are",
    "recall": "positive rows that are found",
    "f1": "harmonic mean of precision and recall",
    "log_loss": "mean of -log of the probability of what was so",
    "brier": "mean squared error of the probability",
    "f1_macro": "f1, averaged over classes",
    "f1_weighted": "f1, averaged over rows",
    "precision_macro": "precision, averaged over classes",
    "recall_macro": "recall, averaged over classes",
    "top_3_accuracy": "rows whose class is among the three most probable",
}


def names(report: EvaluationReport) -> str:
    """Return the versions."""
    return " · ".join(each.version for each in report.versions)


def rows_text(report: EvaluationReport) -> str:
    """Return what was evaluated: `853 rows of eval of taxi@1`."""
    where = f"{report.split} of {report.data}" if report.split else report.data
    which = f", each {_ordinal(report.every)}" if report.every > 1 else ""
    return f"{report.rows:,} row{'s' * (report.rows != 1)} of {where}{which}"


def task_text(report: EvaluationReport) -> str:
    """Return what was asked: `payment: positive is cash, above 0.5`."""
    target = one_line(report.target)
    if report.task is Task.REGRESSION:
        return f"{target}, a number"
    if report.task is Task.MULTICLASS:
        return f"{target}, one of {report.classes} classes"
    above = "" if report.threshold is None else f", above {report.threshold:g}"
    return f"{target}: positive is {one_line(report.positive or '')}{above}"


def notes(report: EvaluationReport) -> list[str]:
    """Return what must be known beside the metrics."""
    told = []
    if report.without_target:
        plural = "row has" if report.without_target == 1 else "rows have"
        told.append(f"{report.without_target:,} {plural} no {one_line(report.target)}: left out.")
    for each in report.versions:
        if each.without_answer:
            plural = "s" * (each.without_answer != 1)
            told.append(
                f"{each.version} returned NaN for {each.without_answer:,} row{plural}: left out of all metrics."
            )
    if any(part.is_small for part in report.slices):
        told.append(f"{SMALL} fewer than 50 rows: its metrics say little.")
    return [*told, *report.notes]


def metric_text(metric: Metric | None) -> tuple[str, str]:
    """Return a metric and its interval; the interval is empty where there is none."""
    if metric is None or metric.value is None:
        return NONE, ""
    if metric.low is None or metric.high is None:
        return number(metric.value), ""
    value, low, high = column([metric.value, metric.low, metric.high])
    return value, f"{low} to {high}"


def difference_text(difference: Difference | None) -> tuple[str, str]:
    """Return a difference with a sign that says whether it is for the better, and its interval."""
    if difference is None:
        return NONE, ""
    value, low, high = column([difference.value, difference.low, difference.high])
    sign = "" if difference.is_better is None else "✓ " if difference.is_better else "✗ "
    if difference.low <= 0 <= difference.high:
        sign = "= "
    plus = "+" * (difference.value > 0)
    return f"{sign}{plus}{value}", f"{low} to {high}"


def next_commands(report: EvaluationReport) -> list[str]:
    """Return what may be done next."""
    versions = " ".join(each.version for each in report.versions)
    where = f" --data {report.data} --split {report.split}" if report.split else ""
    commands = [] if report.by or not where else [f"%models evaluate {versions}{where} --by COLUMN"]
    if len(report.versions) == 2 and report.versions[1].differences:
        main = report.versions[1].differences[0]
        commands += [f"%models set-default {report.versions[1].version}"] if main.is_better else []
    return commands


def _ordinal(count: int) -> str:
    ending = "th" if count % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count:,}{ending}"
