"""Which metrics are better when they are higher, and which when they are lower."""

from __future__ import annotations

_LOWER = frozenset({"rmse", "mae", "median_ae", "mape", "log_loss", "brier"})
# Whether a mean error is above or below 0, it is no better.
_NEITHER = frozenset({"bias"})


def is_lower_better(name: str) -> bool | None:
    """Return which way a metric is better; None where neither is."""
    return None if name in _NEITHER else name in _LOWER


def is_improvement(name: str, low: float, high: float) -> bool | None:
    """Return whether a difference with this interval is for the better; None where it may be chance."""
    is_lower = is_lower_better(name)
    if is_lower is None or low <= 0 <= high:
        return None
    return (high < 0) == is_lower
