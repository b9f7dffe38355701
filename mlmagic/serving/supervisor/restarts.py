"""When a worker is started again after one died: at once, and after growing pauses when that does not help."""

from __future__ import annotations

QUICK_SECONDS = 2.0
"""A worker that dies so soon after it was ready was never well."""
HOPELESS = 4
"""So many failures in a row: clients are told, instead of being kept waiting."""
LONGEST_SECONDS = 60.0


def growing_pause(first: float, count: int, longest: float) -> float:
    """Return the first pause in seconds, doubled so many times, and no more than the longest."""
    # After a day of failures the power itself would be beyond all floats.
    return min(longest, first * 2.0 ** min(count, 64))


class Restarts:
    """Counts failures in a row."""

    def __init__(self) -> None:
        self.failures = 0
        self.reason = ""
        self.next_at = 0.0

    def died(self, now: float, ready_at: float | None, how: str) -> None:
        """Take note of a worker that ended unasked."""
        is_quick = ready_at is None or now - ready_at < QUICK_SECONDS
        self.failures = self.failures + 1 if is_quick else 0
        self.reason = how
        self.next_at = now + self._pause()

    def forget(self) -> None:
        """Begin anew, because something has changed."""
        self.failures, self.next_at = 0, 0.0

    @property
    def is_hopeless(self) -> bool:
        """It has failed too often to keep anybody waiting for the next time."""
        return self.failures >= HOPELESS

    def _pause(self) -> float:
        return 0.0 if self.failures < 2 else growing_pause(0.25, self.failures - 2, LONGEST_SECONDS)
