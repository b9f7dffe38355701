"""Ends what nobody sends or nobody waits for any more: slow bodies, and predictions whose client has gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_LOOK_SECONDS = 1.0


class Waiting:
    """A request that is being read or predicted."""

    __slots__ = ("client", "ended", "is_read", "receive", "since", "task")

    def __init__(self, task: asyncio.Task[Any], receive: Receive, since: float) -> None:
        self.task = task
        self.receive = receive
        self.since = since
        self.is_read = False
        """Its whole body is in."""
        self.ended = False
        """This watch has cancelled its task."""
        self.client: asyncio.Task[None] | None = None
        """Waits for its client to go."""


class Watch:
    """Looks after all requests of a loop with one timer: a timer for each would cost more than the rest of its way.

    So it is late by up to a second, or by a quarter of the time allowed if that is less.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._pause = min(_LOOK_SECONDS, seconds / 4)
        self._waiting: dict[asyncio.Task[Any], Waiting] = {}
        self._is_set = False

    def __len__(self) -> int:
        """Return how many requests are looked after."""
        return len(self._waiting)

    def begin(self, receive: Receive) -> Waiting:
        """Look after the request of the current task, until `end`."""
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        if task is None:
            raise RuntimeError("a request is answered in a task")
        waiting = Waiting(task, receive, loop.time())
        self._waiting[task] = waiting
        if not self._is_set:
            self._is_set = True
            loop.call_later(self._pause, self._look, loop)
        return waiting

    def end(self, waiting: Waiting) -> None:
        """Leave the request alone."""
        del self._waiting[waiting.task]
        if waiting.client is not None:
            waiting.client.cancel()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for waiting in list(self._waiting.values()):
            if waiting.is_read:
                # Most are answered before anybody looks.
                if waiting.client is None:
                    waiting.client = loop.create_task(self._await_going(waiting))
            elif now - waiting.since >= self._seconds:
                self._cancel(waiting)
        self._is_set = bool(self._waiting)
        if self._is_set:
            loop.call_later(self._pause, self._look, loop)

    async def _await_going(self, waiting: Waiting) -> None:
        while (await waiting.receive())["type"] != "http.disconnect":
            pass
        self._cancel(waiting)

    def _cancel(self, waiting: Waiting) -> None:
        if not waiting.ended and self._waiting.get(waiting.task) is waiting:
            waiting.ended = True
            waiting.task.cancel()
