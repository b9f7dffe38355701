"""How long calls take, to tell those that may run in the event loop from those that need a thread."""

from __future__ import annotations

from collections.abc import Hashable

_QUICK_SECONDS = 0.0015
_WEIGHT = 0.2
"""Of the newest call in the running mean."""


class Pace:
    """Running means of a version's calls, one for each order of magnitude of instances."""

    def __init__(self, quick_seconds: float = _QUICK_SECONDS) -> None:
        self._quick_seconds = quick_seconds
        self._means: dict[tuple[Hashable, int], float] = {}

    def is_quick(self, method: Hashable, count: int) -> bool:
        """Say whether a call with so many instances delays others less than a change of threads is worth."""
        # The first call of a size is not: it may have to allocate, compile or load.
        return self._means.get((method, count.bit_length()), self._quick_seconds) < self._quick_seconds

    def note(self, method: Hashable, count: int, seconds: float) -> None:
        """Learn from a call."""
        key = method, count.bit_length()
        mean = self._means.get(key)
        if mean is None:
            # The time of the first one says little of those to come.
            self._means[key] = self._quick_seconds
        else:
            # A single long one was more likely interrupted than busy.
            self._means[key] = mean + _WEIGHT * (min(seconds, 2 * mean) - mean)
