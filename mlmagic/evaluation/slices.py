"""Rows apart by the values of a column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mlmagic.evaluation.outcome import Outcome, with_intervals
from mlmagic.spec.evaluation import Metric, Slice, Task

Array = np.ndarray[Any, np.dtype[Any]]
Part = tuple[str, Array]
"""What rows have in common, and their places."""

_VALUES = 12
_BINS = 8
_SMALL = 50
_DRAWS, _DRAWN = 100, 2_000
MISSING = "(missing)"

SLICE_METRICS = {
    Task.REGRESSION: ("rmse", "mae", "bias"),
    Task.BINARY: ("auc", "accuracy", "f1", "log_loss"),
    Task.MULTICLASS: ("accuracy", "f1_macro", "log_loss"),
}
"""What is told of each slice."""


def by_value(codes: Array, texts: Sequence[str]) -> list[Part]:
    """Return a part for each of the most frequent values, one for all others, and one for missing ones (code -1)."""
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    order = [at for at in np.argsort(-counts, kind="stable").tolist() if counts[at]]
    kept = order if len(order) <= _VALUES else order[: _VALUES - 1]
    parts = [(texts[at], np.flatnonzero(codes == at)) for at in kept]
    if others := order[len(kept) :]:
        parts.append((f"{len(others):,} others", np.flatnonzero(np.isin(codes, others))))
    return [*parts, *_missing(codes < 0)]


def by_number(values: Array, told: Callable[[float], str]) -> list[Part]:
    """Return a part for each number where there are few of them, else for bins of about as many rows; NaN is missing.

    Args:
        values: one for each row.
        told: a number as it is shown.
    """
    is_missing = np.isnan(values)
    known = values[~is_missing]
    distinct = np.unique(known)
    if len(distinct) <= _VALUES:
        return [(told(float(each)), np.flatnonzero(values == each)) for each in distinct] + _missing(is_missing)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1), method="lower"))
    # A bin has its lower edge, the last one its upper edge too.
    place = np.searchsorted(edges[1:-1], values, side="right")
    parts = []
    for at in range(len(edges) - 1):
        end = "" if at == len(edges) - 2 else "under "
        label = f"{told(float(edges[at]))} to {end}{told(float(edges[at + 1]))}"
        parts.append((label, np.flatnonzero((place == at) & ~is_missing)))
    return [*parts, *_missing(is_missing)]


def _missing(is_missing: Array) -> list[Part]:
    return [(MISSING, np.flatnonzero(is_missing))] if is_missing.any() else []


def places_within(parts: Sequence[Part], kept: Array) -> list[Part]:
    """Return the parts without the rows that are not kept, their places counted among those that are."""
    place = np.cumsum(kept) - 1
    return [(label, place[places[kept[places]]]) for label, places in parts]


def slices(parts: Sequence[Part], outcomes: Sequence[Outcome]) -> tuple[Slice, ...]:
    """Return the metrics of each part that has rows."""
    return tuple(
        Slice(
            value=label,
            rows=len(places),
            is_small=len(places) < _SMALL,
            metrics=tuple(_of_part(outcome, places) for outcome in outcomes),
        )
        for label, places in parts
        if len(places)
    )


def _of_part(outcome: Outcome, places: Array) -> tuple[Metric, ...]:
    metrics = {metric.name: metric for metric in with_intervals(outcome, places, draws=_DRAWS, most=_DRAWN)}
    return tuple(metrics.get(name, Metric(name=name, value=None)) for name in SLICE_METRICS[outcome.task])
