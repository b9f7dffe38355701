"""Metrics as people read them, and which of them is the better one."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

_DIGITS = 4
_MOST_DECIMALS = 8
_LOWER = frozenset(
    {"loss", "logloss", "error", "mae", "mape", "mse", "msle", "rmse", "crossentropy", "perplexity", "deviance"}
)
_HIGHER = frozenset({"accuracy", "acc", "auc", "precision", "recall", "f1", "r2", "iou", "bleu", "ndcg"})
# `f1_score`, `auc_1`: what stands behind the name of a metric without changing what it is.
_SUFFIX = re.compile(r"(?:_score)?(?:_\d+)?$")


def number(value: float) -> str:
    """Return the number to four significant digits."""
    return column([value])[0]


def column(values: Sequence[float | None]) -> list[str]:
    """Return the numbers with the same decimals, so that they can be read down a column; None is a dash.

    The largest keeps four significant digits, and smaller ones as many as four decimals allow.
    """
    finite = [abs(float(value)) for value in values if value is not None and math.isfinite(value)]
    places = _places(finite)
    return ["—" if value is None else _shown(value, places) for value in values]


def best(name: str, values: Sequence[float | None]) -> frozenset[int]:
    """Return which values are the best of a metric; none where its name does not tell, or all are as good."""
    is_lower = lower_is_better(name)
    finite = {at: value for at, value in enumerate(values) if value is not None and math.isfinite(value)}
    if is_lower is None or len(finite) < 2:
        return frozenset()
    target = min(finite.values()) if is_lower else max(finite.values())
    # What looks the same is as good.
    shown = column(values)
    winners = {at for at in finite if shown[at] == shown[list(values).index(target)]}
    return frozenset() if len(winners) == len(finite) else frozenset(winners)


def lower_is_better(name: str) -> bool | None:
    """Return which way a metric is better, told by the last word of its name; None where that is not known."""
    *before, word = re.split(r"[^a-z0-9]+", _SUFFIX.sub("", name.lower()))
    if "neg" in before:  # scikit-learn's `neg_mean_squared_error` turns it round
        return None
    return True if word in _LOWER else False if word in _HIGHER else None


def _places(sizes: Sequence[float]) -> int | None:
    """Return how many decimals a column has; None where only powers of ten tell it."""
    if all(size.is_integer() and size < 1e15 for size in sizes):
        return 0
    largest = max(sizes)
    smallest = min(size for size in sizes if size)
    least = _decimals(largest)
    if largest >= 1e9 or least > _MOST_DECIMALS:
        return None
    return max(least, min(_decimals(smallest), _DIGITS))


def _decimals(size: float) -> int:
    return max(0, _DIGITS - 1 - math.floor(math.log10(size)))


def _shown(value: float, places: int | None) -> str:
    if not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.{_DIGITS - 1}e}" if places is None else f"{value:.{places}f}"
