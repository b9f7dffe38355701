"""Distributions of numbers as their 257 quantiles: fine enough for what histograms with far numbers do not show."""

from __future__ import annotations

import math

import numpy as np

from mlmagic.spec.statistics import QUANTILES
from mlmagic.statistics.moments import Floats

RESOLUTION = 1.0 / QUANTILES


def share_below(quantiles: Floats, places: Floats) -> Floats:
    """Return the part of the numbers below each place, as if they were spread evenly between two quantiles."""
    return _share(quantiles, places, "left")


def distance(first: Floats, second: Floats) -> float:
    """Return the largest difference between the two cumulative distributions: Kolmogorov and Smirnov's."""
    places = np.concatenate([first, second])
    return max(
        float(np.abs(share_below(first, places) - share_below(second, places)).max()),
        float(np.abs(_share(first, places, "right") - _share(second, places, "right")).max()),
    )


def chance_distance(first_count: int, second_count: int, alpha: float) -> float:
    """Return the distance that samples of one distribution exceed with the probability alpha, at most."""
    sizes = 1 / max(1, first_count) + 1 / max(1, second_count)
    return math.sqrt(-math.log(alpha / 2) / 2 * sizes) + 2 * RESOLUTION


def _share(quantiles: Floats, places: Floats, side: str) -> Floats:
    """Return the part up to each place: without what is equal to it if the side is left, with it if right."""
    after = np.searchsorted(quantiles, places, side=side)  # type: ignore[call-overload]
    last = len(quantiles) - 1
    begin, end = quantiles[np.clip(after - 1, 0, last)], quantiles[np.clip(after, 0, last)]
    width = end - begin
    inside = np.divide(places - begin, width, out=np.zeros(len(places)), where=width > 0)
    # Between two numbers that are frequent there is usually nothing, and nothing may be made up there.
    is_gap = (width > 0) & (quantiles[np.clip(after - 2, 0, last)] == begin)
    is_gap &= quantiles[np.clip(after + 1, 0, last)] == end
    inside[is_gap] = 0.5
    shares: Floats = (after - 1 + inside) / last
    return np.clip(shares, 0.0, 1.0)
