"""Two versions of a model that answered at the same time: what is worse in the new one, beyond chance.

What is compared are counts, so that they may come from any number of processes. Nothing is said of a version that has
hardly answered: each limit is beyond what chance does in so few requests, however often one looks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlmagic.monitoring.distances import divergence
from mlmagic.monitoring.noise import noise
from mlmagic.spec.monitoring import DEFAULT_THRESHOLD, MetricType
from mlmagic.spec.rollout import LATENCY_BOUNDS, Observed

_SURE = 3.29
"""Standard deviations: chance is beyond them once in two thousand times."""
_LIKELY = 1.0
_TOLERANCE = 0.01
"""By so much the share of errors and of slow answers may be larger."""
_LEAST_BAD = 3
_LEAST_SLOW = 10
_LEAST_ANSWERS = 50
"""Of the current version, without which its slowest hundredth is not known."""
_TIMES_SLOWER, _SECONDS_SLOWER = 2.0, 0.010
"""What is within either of these is not slow."""
_LEAST_INSTANCES = 20
_BINS = 16
_ALPHA = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the two are called in a reason, such as `taxi@2` and `taxi@1`."""

    candidate: str
    current: str


def what_is_worse(candidate: Observed, current: Observed, names: Names) -> str | None:
    """Return in one line why the candidate should not go on; None if nothing speaks against it.

    Args:
        candidate: what the new version did.
        current: what those did that it is to replace, at the same time.
        names: how they are called.
    """
    return (
        _errors(candidate, current, names)
        or _unusable(candidate, current, names)
        or _slow(candidate, current, names)
        or _drift(candidate, current, names)
    )


def wilson(count: int, of: int, deviations: float) -> float:
    """Return Wilson's limit of a share: the upper one, or for deviations below zero the lower one. Of nothing: 0."""
    if not of:
        return 0.0
    share, square = count / of, deviations**2
    spread = deviations * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    return min(1.0, max(0.0, (share + square / (2 * of) + spread) / (1 + square / of)))


def _is_more(bad: int, of: int, other_bad: int, other_of: int, *, least: int, tolerance: float) -> bool:
    """Say whether the first share is surely larger than the other, by more than is tolerated."""
    return bad >= least and wilson(bad, of, -_SURE) > wilson(other_bad, other_of, _LIKELY) + tolerance


def _errors(candidate: Observed, current: Observed, names: Names) -> str | None:
    bad, of = candidate.errors, candidate.requests
    if not _is_more(bad, of, current.errors, current.requests, least=_LEAST_BAD, tolerance=_TOLERANCE):
        return None
    beside = f"; of {names.current} {current.errors:,} of {current.requests:,}" if current.requests else ""
    return f"{bad:,} of {of:,} requests to {names.candidate} failed{beside}"


def _unusable(candidate: Observed, current: Observed, names: Names) -> str | None:
    bad, of = candidate.unusable, candidate.instances
    if not _is_more(bad, of, current.unusable, current.instances, least=_LEAST_BAD, tolerance=0.0):
        return None
    return f"{bad:,} of {of:,} predictions of {names.candidate} are no finite numbers"


def _slow(candidate: Observed, current: Observed, names: Names) -> str | None:
    usual = percentile(current.latencies, 0.99)
    if usual is None or sum(current.latencies) < _LEAST_ANSWERS:
        return None
    limit = max(usual * _TIMES_SLOWER, usual + _SECONDS_SLOWER)
    slow, others = _above(candidate.latencies, limit), _above(current.latencies, limit)
    of, other_of = sum(candidate.latencies), sum(current.latencies)
    if not _is_more(slow, of, others, other_of, least=_LEAST_SLOW, tolerance=_TOLERANCE):
        return None
    p99 = percentile(candidate.latencies, 0.99) or limit
    return (
        f"the p99 of {names.candidate} is {_milliseconds(p99)}, that of {names.current} {_milliseconds(usual)} at the "
        f"same time: {slow:,} of {of:,} answers took longer than {_milliseconds(limit)}"
    )


def percentile(latencies: Sequence[int], share: float) -> float | None:
    """Return the seconds that this share of the answers did not exceed, rounded up to a bound; None without any."""
    wanted, seen = share * sum(latencies), 0
    for at, count in enumerate(latencies):
        seen += count
        if count and seen >= wanted:
            return LATENCY_BOUNDS[min(at, len(LATENCY_BOUNDS) - 1)]
    return None


def _above(latencies: Sequence[int], limit: float) -> int:
    """Return how many answers took surely longer."""
    return sum(count for at, count in enumerate(latencies) if at and LATENCY_BOUNDS[at - 1] >= limit)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.4g} ms"


def _drift(candidate: Observed, current: Observed, names: Names) -> str | None:
    for name in sorted(current.numbers.keys() & candidate.numbers.keys()):
        ours, theirs = _binned(candidate.numbers[name], current.numbers[name])
        if reason := _distance(MetricType.JENSEN_SHANNON, ours, theirs, name, names):
            return reason
    for name in sorted(current.classes.keys() & candidate.classes.keys()):
        values = sorted(candidate.classes[name].keys() | current.classes[name].keys())
        ours, theirs = (
            [found[name].get(value, 0) for value in values] for found in (candidate.classes, current.classes)
        )
        if reason := _distance(MetricType.L_INFINITY, ours, theirs, name, names):
            return reason
    return None


def _binned(candidate: Mapping[str, int], current: Mapping[str, int]) -> tuple[list[int], list[int]]:
    """Return the counts of both in bins that have about as many of both together."""
    keys = sorted((key for key in candidate.keys() | current.keys() if key.isdecimal()), key=int)
    whole = sum(candidate.get(key, 0) + current.get(key, 0) for key in keys)
    bins: dict[int, list[int]] = {}
    seen = 0
    for key in keys:
        counts = bins.setdefault(seen * _BINS // max(1, whole), [0, 0])
        ours, theirs = candidate.get(key, 0), current.get(key, 0)
        counts[0], counts[1] = counts[0] + ours, counts[1] + theirs
        seen += ours + theirs
    return [counts[0] for counts in bins.values()], [counts[1] for counts in bins.values()]


def _distance(kind: MetricType, ours: list[int], theirs: list[int], output: str, names: Names) -> str | None:
    if min(sum(ours), sum(theirs)) < _LEAST_INSTANCES:
        return None
    if kind is MetricType.JENSEN_SHANNON:
        distance, told = float(divergence(theirs, ours)), "Jensen-Shannon divergence"
    else:
        difference = np.array(ours) / sum(ours) - np.array(theirs) / sum(theirs)
        distance, told = float(np.abs(difference).max()), "L-infinity distance"
    if distance <= DEFAULT_THRESHOLD:
        return None
    limit = noise(kind, theirs, sum(ours), _ALPHA).limit
    # The largest distance there is can never be beyond a limit, but it can be no chance.
    is_whole = distance > limit and distance >= 1.0
    if not (is_whole or distance > DEFAULT_THRESHOLD + limit):
        return None
    return (
        f"predictions of {output!r} by {names.candidate} are far from those of {names.current}: {told} {distance:.2f} "
        f"in {sum(ours):,} and {sum(theirs):,}"
    )
