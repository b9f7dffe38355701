"""Count, mean and variance of finite numbers, by Chan's rule for what was computed in parts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(slots=True)
class Moments:
    """What is known of some numbers; of none, the extremes are infinite."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    """The sum of the squared distances from the mean; infinite where no float64 holds it."""
    minimum: float = math.inf
    maximum: float = -math.inf
    zeros: int = 0
    negative: int = 0

    @property
    def variance(self) -> float:
        """The mean squared distance from the mean."""
        return self.squares / self.count if self.count else 0.0

    def merge(self, other: Moments) -> None:
        """Take what is known of other numbers."""
        if not other.count:
            return
        count = self.count + other.count
        share = other.count / count
        distance = other.mean - self.mean
        # Twice the largest number is no number; then this way round, which is not quite so exact.
        is_wide = math.isinf(distance)
        self.mean = self.mean * (1 - share) + other.mean * share if is_wide else self.mean + distance * share
        if self.count:
            self.squares += other.squares + distance * share * distance * self.count
        else:
            self.squares = other.squares
        self.count = count
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        self.zeros += other.zeros
        self.negative += other.negative


def moments_of(values: Floats) -> Moments:
    """Compute those of finite numbers, in two passes."""
    if not len(values):
        return Moments()
    minimum, maximum = float(values.min()) + 0.0, float(values.max()) + 0.0  # the sum has no -0.0
    with np.errstate(over="ignore"):
        mean = float(values.mean()) if minimum < maximum else minimum
        if math.isinf(mean):
            mean = float((values / len(values)).sum())
        distances = values - mean
        distances *= distances
        squares = float(distances.sum())
    return Moments(
        count=len(values),
        mean=mean,
        squares=squares,
        minimum=minimum,
        maximum=maximum,
        zeros=0 if minimum > 0 or maximum < 0 else len(values) - int(np.count_nonzero(values)),
        negative=0 if minimum >= 0 else int(np.count_nonzero(values < 0)),
    )


def moments_of_counts(values: Floats, counts: npt.NDArray[np.int64]) -> Moments:
    """Compute those of different numbers that occur so many times each."""
    count = int(counts.sum())
    if not count:
        return Moments()
    minimum, maximum = float(values.min()) + 0.0, float(values.max()) + 0.0
    with np.errstate(over="ignore"):
        mean = float((values * (counts / count)).sum()) if minimum < maximum else minimum
        distances = values - mean
        squares = float((distances * distances * counts).sum())
    return Moments(
        count=count,
        mean=mean,
        squares=squares,
        minimum=minimum,
        maximum=maximum,
        zeros=int(counts[values == 0].sum()),
        negative=int(counts[values < 0].sum()),
    )
