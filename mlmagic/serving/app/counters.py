"""What a version did in one worker."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque

from mlmagic.spec.endpoint import VersionStatus
from mlmagic.spec.rollout import LATENCY_BOUNDS

_NEWEST = 1000


class Counters:
    """Counts since the worker was started; latencies are those of the newest requests."""

    def __init__(self) -> None:
        self.requests = 0
        self.instances = 0
        self.errors = 0
        """Requests that were well-formed and yet got no prediction."""
        self._seconds: deque[float] = deque(maxlen=_NEWEST)
        self._by_latency = [0] * (len(LATENCY_BOUNDS) + 1)
        self._all_seconds = 0.0

    def answered(self, instances: int, seconds: float) -> None:
        """Count a prediction."""
        self.requests += 1
        self.instances += instances
        self._seconds.append(seconds)
        self._by_latency[bisect_left(LATENCY_BOUNDS, seconds)] += 1
        self._all_seconds += seconds

    def refused(self, *, is_error: bool) -> None:
        """Count a request that got none; `is_error` if that was not its own fault."""
        self.requests += 1
        self.errors += is_error

    def latency_ms(self) -> dict[str, float]:
        """Return `p50` and `p99`; nothing before the first answer."""
        ordered = sorted(self._seconds)
        if not ordered:
            return {}
        last = len(ordered) - 1
        return {f"p{percent}": round(ordered[round(last * percent / 100)] * 1000, 3) for percent in (50, 99)}

    def status(self, number: int, engine: str) -> VersionStatus:
        """Return the counts as those of a version."""
        return VersionStatus(
            number=number,
            engine=engine,
            requests=self.requests,
            instances=self.instances,
            errors=self.errors,
            latency_ms=self.latency_ms(),
            latency_counts=tuple(self._by_latency),
            latency_seconds=self._all_seconds,
        )
