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
    center: float = 0.0
    """The rounded mean of the first part; the mean itself is `offset` away, which so keeps all its digits."""
    offset: float = 0.0
    squares: float = 0.0
    """The sum of the squared distances from the mean; infinite where no float64 holds it."""
    minimum: float = math.inf
    maximum: float = -math.inf
    zeros: int = 0
    negative: int = 0

    @property
    def mean(self) -> float:
        """The sum divided by the count."""
        return self.center + self.offset

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
        distance = (other.center - self.center) + (other.offset - self.offset)
        if not self.count:
            self.center, self.offset, self.squares = other.center, other.offset, other.squares
        else:
            self.squares += other.squares + distance * share * distance * self.count
            if math.isinf(distance):  # twice the largest number is no number
                self.center, self.offset = self.mean * (1 - share) + other.mean * share, 0.0
            else:
                self.offset += distance * share
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
    with np.errstate(over="ignore", invalid="ignore"):
        center = float(values.mean()) if minimum < maximum else minimum
        if not math.isfinite(center):  # a sum on the way to it was too large
            center = float((values / len(values)).sum())
        distances = values - center
        offset = float(distances.mean())
        distances *= distances
        squares = float(distances.sum())
    return Moments(
        count=len(values),
        center=center,
        offset=offset if math.isfinite(offset) else 0.0,
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
    shares = counts / count
    with np.errstate(over="ignore", invalid="ignore"):
        center = float((values * shares).sum()) if minimum < maximum else minimum
        distances = values - center
        offset = float((distances * shares).sum())
        squares = float((distances * distances * counts).sum())
    return Moments(
        count=count,
        center=center,
        offset=offset if math.isfinite(offset) else 0.0,
        squares=squares,
        minimum=minimum,
        maximum=maximum,
        zeros=int(counts[values == 0].sum()),
        negative=int(counts[values < 0].sum()),
    )
