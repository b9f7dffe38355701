"""When the agent does what: at once when it is called, else once a second, and less often when something is wrong."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

BUSY_SECONDS = 1.0
IDLE_SECONDS = 4.0
"""Between two ticks of an agent without work. Less than the age at which callers take it to be stopped."""
PRUNE_SECONDS = 600.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
_REST = 4.0
"""How many times as long as a look at the queue took is waited before the next, should calls come in a row."""


class Schedule:
    """Moments at which something is due, by a clock that nobody sets."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        now = clock()
        self._next_tick = self._next_look = now
        self._next_prune = now
        self._last_work = now
        self._has_looked = False
        self._is_called = False
        self._pause = 0.0

    def called(self) -> None:
        """Note that somebody called."""
        self._is_called = True
        self._last_work = self._clock()

    def seconds_left(self) -> float:
        """Return how long nothing is due."""
        due = min(self._next_tick, self._next_look) if self._is_called else self._next_tick
        return max(0.0, due - self._clock())

    @property
    def tick_is_due(self) -> bool:
        """Everything is to be looked at."""
        return self._clock() >= self._next_tick

    @property
    def look_is_due(self) -> bool:
        """Somebody called, and the queue is to be looked at."""
        return self._is_called and self._clock() >= self._next_look

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """Note that the queue is being looked at: whoever calls now is not heard by this look any more."""
        self._is_called = False
        begin = self._clock()
        try:
            yield
        except BaseException:
            self._is_called = True
            raise
        end = self._clock()
        self._next_look = end + _REST * (end - begin)

    def ticked(self, *, is_busy: bool) -> None:
        """Note that everything has been looked at, and whether there is work."""
        now = self._clock()
        self._has_looked = True
        self._pause = 0.0
        self._next_tick = now + (BUSY_SECONDS if is_busy else IDLE_SECONDS)
        if is_busy:
            self._last_work = now

    def prune_is_due(self) -> bool:
        """Say now and then that it is time to tidy up."""
        is_due = self._clock() >= self._next_prune
        if is_due:
            self._next_prune = self._clock() + PRUNE_SECONDS
        return is_due

    def has_rested(self, seconds: float) -> bool:
        """Say whether there has been no work for so long, and nobody has called."""
        return self._has_looked and not self._is_called and self._clock() - self._last_work >= seconds

    def idles_until(self, seconds: float) -> None:
        """See that the end of so long a rest is noticed in time."""
        self._next_tick = min(self._next_tick, self._last_work + seconds)

    def next_pause(self) -> float:
        """Return how long to leave alone what failed: longer each time."""
        self._pause = min(max(SHORTEST_PAUSE, 2 * self._pause), LONGEST_PAUSE)
        return self._pause
