"""How alike the values of a function are at two points: Matérn 5/2, with a length for each parameter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlmagic.tuning.encoding import Floats

SQRT5 = math.sqrt(5)

# So much farther from the median than the best is, a value comes of a program that diverged.
_DIVERGENT = 1e9

# Values are told apart no better than this, in parts of their size.
_ROUNDED = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel; lengths are those of the columns of `Encoding`."""

    weights: Floats
    """Of each column's squared distance: 1 / length²."""
    scale: float
    """Variance of the function."""
    noise: float
    """Variance of a value about the function."""

    def between(self, first: Floats, second: Floats) -> Floats:
        """Return the covariances of the function at the rows of two matrices."""
        roots = np.sqrt(self.weights)
        return self.scale * matern(squared_distances(first * roots, second * roots))


def matern(squares: Floats) -> Floats:
    """Return how alike values are at some squared distances."""
    distances = SQRT5 * np.sqrt(squares)
    return np.exp(-distances) * (1 + distances + distances**2 / 3)


def squared_distances(first: Floats, second: Floats) -> Floats:
    """Return the squared distances between the rows of two matrices."""
    squares: Floats = (first**2).sum(1)[:, None] + (second**2).sum(1)[None, :] - 2 * first @ second.T
    return np.maximum(squares, 0.0)


def standard_values(values: Floats, reach: float) -> Floats:
    """Return values, of which less is better, with mean 0 and variance 1.

    Those far on the bad side are drawn in first, to `reach` times as far as the best lies from the median: how bad the
    bad ones are says little about where the best lies.
    """
    values = _without_divergent(values, reach)
    # Scaled first, so that no square of a large or small number is infinite or 0.
    scaled = values / max(float(np.abs(values).max()), 1e-300)
    middle, best = float(np.median(scaled)), float(scaled.min())
    drawn = np.minimum(scaled, middle + reach * max(middle - best, 1e-12))
    deviation = float(drawn.std())
    return (drawn - drawn.mean()) / deviation if deviation > 1e-14 else np.zeros_like(values)


def _without_divergent(values: Floats, reach: float) -> Floats:
    """Draw in values that are beyond all measure: scaled by them, all others would be the same number."""
    # Of halves, since between two large numbers the median is half of their sum, which may be infinite.
    middle, best = 2 * float(np.median(values / 2)), float(values.min())
    # Where half of the values are the best one, the next one tells how far apart values lie.
    spread = (middle - best) or min((value - middle for value in values.tolist() if value > middle), default=0.0)
    spread = max(spread, _ROUNDED * max(abs(middle), abs(best)))
    return np.where(values > middle + _DIVERGENT * spread, middle + reach * spread, values)
