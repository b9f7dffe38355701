"""Which of two versions is better, where each answered rows of its own: differences of metrics, with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from mlmagic.evaluation.directions import is_improvement
from mlmagic.evaluation.intervals import MOST_DRAWN

Array = np.ndarray[Any, np.dtype[Any]]

LEAST_ROWS = 30
"""Of either version. Of fewer the rows that were drawn say too little of those that were not."""
_DRAWS = 500
_SEED = 20_130_103
_SIDES = (2.5, 97.5)
_Z, _Z_FOUR_OF_FIVE = 1.959964, 0.841621
_MOST_TIMES = 100
"""Beyond so many times the rows, what seems to be a difference is too small for an estimate."""


class Better(StrEnum):
    """What the rows say of the second version."""

    BETTER = "BETTER"
    WORSE = "WORSE"
    UNSURE = "UNSURE"
    """The difference may be chance, or there are too few rows to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The rows that one version answered and of which the truth is known."""

    compute: Callable[[Array], Mapping[str, float]]
    """The metrics of the rows at some places, each of which may come more than once."""
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A metric of both versions."""

    metric: str
    first: float
    second: float
    low: float
    """Of the 95 % interval of the difference; infinite where nothing can be told."""
    high: float
    verdict: Better

    @property
    def difference(self) -> float:
        """Return by how much the second version's is higher."""
        return self.second - self.first


def versions_apart(first: Answered, second: Answered, *, draws: int = _DRAWS) -> dict[str, Difference]:
    """Compare two versions that did not answer the same rows, as where requests are split between them.

    The rows of each are drawn again, apart from those of the other (bootstrap), so it holds for every metric; for
    means it is what Welch's interval is. Same rows give the same numbers. Metrics that either version lacks, or that
    are not finite, are left out. With several metrics, one in twenty seems to differ by chance alone.

    Args:
        first: the version that is in use.
        second: the one that is to be judged.
        draws: how often rows are drawn.
    """
    known, other = (answered.compute(np.arange(answered.rows)) if answered.rows else {} for answered in (first, second))
    names = [name for name in known if math.isfinite(known[name]) and math.isfinite(other.get(name, math.nan))]
    is_enough = min(first.rows, second.rows) >= LEAST_ROWS
    drawn = _deviations((first, second), (known, other), names, draws) if is_enough else {}
    return {name: _difference(name, known[name], other[name], drawn.get(name)) for name in names}


def rows_needed(difference: Difference, rows: int) -> int | None:
    """Return about how many rows would tell four times out of five, if the difference is what it seems to be.

    None where nothing can be said: chance gave no interval, or hardly a difference.

    Args:
        difference: of so many rows, of both versions together.
        rows: how many these were. The versions are thought to share further ones as they shared these.
    """
    reach = (difference.high - difference.low) / 2
    if not math.isfinite(reach) or not difference.difference:
        return None
    needed = rows * (reach / abs(difference.difference) * (_Z + _Z_FOUR_OF_FIVE) / _Z) ** 2
    return None if needed > rows * _MOST_TIMES else math.ceil(needed)


def _deviations(
    answered: tuple[Answered, Answered],
    values: tuple[Mapping[str, float], Mapping[str, float]],
    names: list[str],
    draws: int,
) -> dict[str, Array]:
    """Return how far the differences of rows that were drawn again are from that of all, by metric."""
    found = {name: np.zeros(draws) for name in names}
    for at, (one, known) in enumerate(zip(answered, values, strict=True)):
        chance = np.random.default_rng([_SEED, at])
        size = min(one.rows, MOST_DRAWN)
        # The spread goes with the root of the number of rows.
        scale = math.sqrt(size / one.rows) * (1 if at else -1)
        for draw in range(draws):
            metrics = one.compute(chance.integers(0, one.rows, size))
            for name in names:
                found[name][draw] += (metrics[name] - known[name]) * scale
    return found


def _difference(name: str, first: float, second: float, deviations: Array | None) -> Difference:
    finite = np.empty(0) if deviations is None else deviations[np.isfinite(deviations)]
    low, high = -math.inf, math.inf
    if len(finite):
        below, above = np.percentile(finite, _SIDES)
        low, high = second - first + float(below), second - first + float(above)
    is_better = is_improvement(name, low, high)
    verdict = Better.UNSURE if is_better is None else Better.BETTER if is_better else Better.WORSE
    return Difference(metric=name, first=first, second=second, low=low, high=high, verdict=verdict)
