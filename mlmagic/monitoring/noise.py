"""How far samples of one distribution lie apart by chance: drawn, since no formula holds for few rows and rare bins."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from mlmagic.monitoring.distances import divergence
from mlmagic.spec.monitoring import MetricType
from mlmagic.statistics.moments import Floats

_ROUNDS = 1000
_MOST_DRAWS = 200_000
_LEAST_ROUNDS = 200
_MOST_BINS = 1000
"""Rarer values are drawn as one that does not count: their shares vary less than those of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Distances of two samples of the same distribution."""

    expected: float
    """Their mean."""
    limit: float
    """What they exceed with the wanted probability; 1 if nothing could be told."""


def noise(metric_type: MetricType, counts: Any, current_count: int, alpha: float) -> Noise:
    """Draw samples as large as the baseline and the window from the baseline's distribution, and compare them.

    Args:
        metric_type: the distance.
        counts: the baseline's, by bin or value.
        current_count: how many values the window has.
        alpha: the probability of a greater distance than the limit.
    """
    known = np.asarray(counts, np.float64)
    total = round(float(known.sum()))
    if not total or not current_count:
        return Noise(expected=1.0, limit=1.0)
    known, rest = _frequent(known)
    rounds = max(_LEAST_ROUNDS, min(_ROUNDS, _MOST_DRAWS // len(known)))
    # What was not seen may still be there: without it the noise of a small baseline would be taken for too small.
    shares = np.append(known + 0.5, rest + 0.5)
    shares /= shares.sum()
    # The same for the same question: an alert must not come and go.
    chance = np.random.default_rng([len(shares), total, current_count])
    first = chance.multinomial(total, shares, size=rounds).astype(np.float64)
    second = chance.multinomial(current_count, shares, size=rounds).astype(np.float64)
    if metric_type is MetricType.JENSEN_SHANNON:
        distances = divergence(first, second)
    else:
        distances = _largest_differences(first, second)
    mean, spread = float(distances.mean()), float(distances.std())
    # A tail beyond what so few rounds show is taken from the normal distribution.
    tail = mean + NormalDist().inv_cdf(1 - min(alpha, 0.5)) * spread
    return Noise(expected=mean, limit=min(1.0, max(tail, float(np.quantile(distances, 1 - alpha)))))


def _frequent(counts: Floats) -> tuple[Floats, float]:
    if len(counts) <= _MOST_BINS:
        return counts, 0.0
    ordered = np.sort(counts)[::-1]
    return ordered[:_MOST_BINS], float(ordered[_MOST_BINS:].sum())


def _largest_differences(first: Floats, second: Floats) -> Floats:
    """Return the largest difference of the values that are drawn one by one."""
    shares = first / first.sum(-1, keepdims=True) - second / second.sum(-1, keepdims=True)
    largest: Floats = np.abs(shares[..., :-1]).max(-1)
    return largest
