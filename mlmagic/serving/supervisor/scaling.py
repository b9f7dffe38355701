"""How many workers there should be. Knows numbers and times, and no process."""

from __future__ import annotations

from dataclasses import dataclass

from mlmagic.spec.endpoint import Scaling

BUSY_PERCENT = 80.0
"""Of a core for each worker; an event loop that uses more lets requests wait."""
BUSY_SECONDS = 3.0
CALM_PERCENT = 50.0
"""Of a core for each worker that would be left."""
CALM_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the workers do that take connections."""

    workers: int = 0
    starting: int = 0
    """Workers that do not take connections yet: somebody waits for them."""
    cpu_percent: float = 0.0
    """Of all of them together."""
    waiting: int = 0
    """Requests that have not been answered."""
    queue: int = 1024
    """How many may wait in one worker."""
    requests: int = 0
    """All that ever came."""


class Autoscaler:
    """Counts the workers that are wanted: more after a few busy seconds, fewer after a calm minute, none when idle."""

    def __init__(self, now: float) -> None:
        self.wanted = 0
        self._last_request = now
        self._requests = 0
        self._busy_since: float | None = None
        self._calm_since: float | None = None

    def ask(self, now: float) -> None:
        """Take note that a worker is needed: for a connection, or to find out whether something loads."""
        self._last_request = now
        self.wanted = max(1, self.wanted)

    def look(self, now: float, scaling: Scaling, load: Load) -> int:
        """Return how many are wanted from now on."""
        if load.requests != self._requests or load.waiting or load.starting:
            self._requests, self._last_request = load.requests, now
        lower = scaling.min_replicas
        if now - self._last_request >= scaling.idle_seconds:
            self.wanted = lower
        elif self._has_been_busy(now, load):
            self._busy_since = None
            self.wanted += 1
        elif self._has_been_calm(now, load, scaling):
            self._calm_since = None
            self.wanted -= 1
        self.wanted = min(max(self.wanted, lower), max(1, lower, scaling.max_replicas))
        return self.wanted

    def _has_been_busy(self, now: float, load: Load) -> bool:
        # Those that are still starting may be enough.
        is_busy = 0 < load.workers == self.wanted and (
            load.cpu_percent >= BUSY_PERCENT * load.workers or load.waiting >= load.queue * load.workers / 2
        )
        self._busy_since = (self._busy_since or now) if is_busy else None
        return self._busy_since is not None and now - self._busy_since >= BUSY_SECONDS

    def _has_been_calm(self, now: float, load: Load, scaling: Scaling) -> bool:
        is_calm = self.wanted > 1 and load.cpu_percent < CALM_PERCENT * (self.wanted - 1)
        self._calm_since = (self._calm_since or now) if is_calm else None
        return self._calm_since is not None and now - self._calm_since >= min(CALM_SECONDS, scaling.idle_seconds)
