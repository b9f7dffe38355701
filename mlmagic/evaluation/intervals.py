"""How far metrics may be off because the rows are a sample: intervals by drawing the rows again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Interval = tuple[float, float]

DRAWS = 200
# Of more rows, so many are drawn, and the spread is brought to the size of all: it goes with the root of their number.
MOST_DRAWN = 5_000
_SEED = 20_130_101
_SIDES = (2.5, 97.5)
_Z = 1.959964


def intervals(
    compute: Callable[[Array], Mapping[str, float]],
    rows: int,
    values: Mapping[str, float],
    *,
    draws: int = DRAWS,
    most: int = MOST_DRAWN,
) -> dict[str, Interval]:
    """Return the 95 % interval of each metric that is defined.

    Args:
        compute: the metrics of the rows at some places.
        rows: how many there are.
        values: the metrics of all of them.
        draws: how often rows are drawn.
        most: how many rows are drawn at a time at most.
    """
    if not rows:
        return {}
    drawn = [compute(places) for places in _places(rows, draws, most)]
    shrink = math.sqrt(min(rows, most) / rows)
    found = {}
    for name, value in values.items():
        if not math.isfinite(value):
            continue
        deviations = np.array([each[name] - value for each in drawn])
        deviations = deviations[np.isfinite(deviations)]
        if len(deviations):
            low, high = np.percentile(deviations, _SIDES) * shrink
            found[name] = (value + float(low), value + float(high))
    return found


def proportion_interval(part: float, rows: float) -> Interval:
    """Return Wilson's interval of a part of so many rows: also of few, or of none or all, it is no single point."""
    if rows <= 0:
        return 0.0, 1.0
    spread = _Z**2 / rows
    middle = (part + spread / 2) / (1 + spread)
    reach = _Z * math.sqrt(part * (1 - part) / rows + spread / (4 * rows)) / (1 + spread)
    return max(0.0, min(part, middle - reach)), min(1.0, max(part, middle + reach))


def _places(rows: int, draws: int, most: int) -> Iterator[Array]:
    chance = np.random.default_rng(_SEED)
    for _ in range(draws):
        yield chance.integers(0, rows, min(rows, most))
