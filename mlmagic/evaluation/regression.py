"""Metrics of numbers that were predicted."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlmagic.spec.evaluation import ErrorHistogram, ErrorQuantile, ReliabilityBin

Array = np.ndarray[Any, np.dtype[Any]]

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_BINS = 40
# What lies further out would press the other bars into one.
_DRAWN = (0.005, 0.995)
_ROUNDING = 1e-12
_TENTHS = 10


def regression_metrics(actual: Array, predicted: Array) -> dict[str, float]:
    """Return the metrics of predictions; NaN where one is not defined.

    `r2` needs actual values that differ; `mape` leaves out rows whose actual value is 0. `bias` is the mean error.
    """
    if len(actual) == 0:
        return dict.fromkeys(("rmse", "mae", "median_ae", "r2", "bias", "mape"), np.nan)
    error = predicted - actual
    size = np.abs(error)
    square = float(np.mean(error**2))
    variance = float(np.mean((actual - actual.mean()) ** 2))
    return {
        "rmse": float(np.sqrt(square)),
        "mae": float(size.mean()),
        "median_ae": float(np.median(size)),
        "r2": 1 - square / variance if variance > 0 else np.nan,
        "bias": float(error.mean()),
        "mape": _relative(size, actual),
    }


def _relative(size: Array, actual: Array) -> float:
    is_known = actual != 0
    # Beside an actual value of 1e-300 an error has no size.
    with np.errstate(over="ignore"):
        return float(np.mean(size[is_known] / np.abs(actual[is_known]))) if is_known.any() else np.nan


def error_quantiles(actual: Array, predicted: Array) -> tuple[ErrorQuantile, ...]:
    """Return the errors, predicted minus actual, below which a twentieth, a quarter and so on of the rows lie."""
    if len(actual) == 0:
        return ()
    found = np.quantile(predicted - actual, _QUANTILES)
    return tuple(ErrorQuantile(part=part, error=float(error)) for part, error in zip(_QUANTILES, found, strict=True))


def error_histogram(actual: Array, predicted: Array) -> ErrorHistogram | None:
    """Return how errors are distributed, without the few that are very large; None without rows."""
    if len(actual) == 0:
        return None
    error = predicted - actual
    low, high = (float(edge) for edge in np.quantile(error, _DRAWN))
    # Of errors that are all the same but for rounding, the one bin needs a width.
    if not high - low > _ROUNDING * max(abs(low), abs(high)):
        margin = abs(low) / 2 or 0.5
        low, high = low - margin, high + margin
    counts, _ = np.histogram(error, bins=_BINS, range=(low, high))
    below, above = int((error < low).sum()), int((error > high).sum())
    return ErrorHistogram(low=low, high=high, counts=tuple(counts.tolist()), below=below, above=above)


def tenths(actual: Array, predicted: Array) -> tuple[ReliabilityBin, ...]:
    """Return what was predicted and what was so, by tenths of the rows from the lowest prediction to the highest."""
    order = np.argsort(predicted, kind="stable")
    parts = [part for part in np.array_split(order, min(_TENTHS, len(order)) or 1) if len(part)]
    return tuple(
        ReliabilityBin(predicted=float(predicted[part].mean()), actual=float(actual[part].mean()), rows=len(part))
        for part in parts
    )
