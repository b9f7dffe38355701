"""How far the values of columns have moved from one split, or version, to another."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence

from mlmagic.panels.dataset_bins import bars
from mlmagic.spec.dataset_report import Drift
from mlmagic.spec.statistics import ColumnStatistics, SplitStatistics

_FIRST, _SECOND = "first", "second"


def drifts(first: SplitStatistics, second: SplitStatistics, skipped: Collection[str | None] = ()) -> Iterator[Drift]:
    """Yield how far each column has moved that both have with the same type."""
    others = {column.name: column for column in second.columns}
    for column in first.columns:
        other = others.get(column.name)
        if other is not None and other.type is column.type and column.name not in skipped:
            yield drift(column, other)


def drift(first: ColumnStatistics, second: ColumnStatistics) -> Drift:
    """Return how far a column has moved."""
    drawn = bars({_FIRST: first, _SECOND: second})
    shares = drawn.shares if drawn is not None else {}
    one, other = shares.get(_FIRST, ()), shares.get(_SECOND, ())
    is_value = bool(drawn and drawn.labels)
    distance = (l_infinity if is_value else jensen_shannon)(one, other) if one and other else 0.0
    return Drift(
        column=first.name,
        measure="L-infinity" if is_value else "Jensen-Shannon",
        distance=distance,
        missing=_missing(second) - _missing(first),
        noise=_noise(first, second),
    )


def jensen_shannon(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the Jensen-Shannon divergence of two distributions, in bits: from 0, the same, to 1, nothing in common."""
    total = 0.0
    for one, other in zip(first, second, strict=True):
        middle = (one + other) / 2
        total += sum(part * math.log2(part / middle) for part in (one, other) if part > 0)
    return max(0.0, total / 2)


def l_infinity(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the largest difference of a share."""
    return max(abs(one - other) for one, other in zip(first, second, strict=True))


def _missing(column: ColumnStatistics) -> float:
    rows = column.count + column.missing
    return column.missing / rows if rows else 0.0


def _noise(first: ColumnStatistics, second: ColumnStatistics) -> float:
    """Return what chance alone makes of shares, with three standard errors."""
    return sum(1.5 / math.sqrt(max(1, column.count + column.missing)) for column in (first, second))
