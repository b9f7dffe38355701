"""Batching while busy: requests that wait for the model are asked together as soon as it is free.

There is no timer and no delay. What arrived in one turn of the event loop goes into one call, and so does what came
while the model was busy in its thread.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from http import HTTPStatus
from time import perf_counter
from typing import Protocol

from mlmagic.serving.app.failures import RequestFailed
from mlmagic.serving.app.merge import Outputs
from mlmagic.serving.app.pace import Pace
from mlmagic.serving.app.request import Request

Answer = Outputs | RequestFailed


class Place(Protocol):
    """Where the answer to a request goes, such as a future."""

    def done(self) -> bool:
        """Say whether nobody waits for it any more."""

    def set_result(self, outputs: Outputs, /) -> None:
        """Take it."""

    def set_exception(self, failure: RequestFailed, /) -> None:
        """Take why there is none."""


Compute = Callable[[Sequence[Request]], list[Answer]]

_LARGEST_BATCH = 1024
"""Instances. A request that has more goes alone."""
_LOOK_AT_CLOCK_SECONDS = 0.25
_RETRY_SECONDS = 1.0


class _Waiting:
    """A request that has not been answered."""

    __slots__ = ("place", "request", "since")

    def __init__(self, request: Request, place: Place, since: float) -> None:
        self.request = request
        self.place = place
        self.since = since


class Batcher:
    """The queue of one version. Belongs to the event loop that it is asked from.

    Args:
        compute: answers requests of one group together; never raises.
        executor: where calls run that are too slow for the loop.
        most: how many requests may wait.
        timeout_seconds: how long a request may wait, for its turn and for the model.
        label: what errors call the version.
    """

    def __init__(
        self,
        compute: Compute,
        executor: Executor,
        *,
        most: int,
        timeout_seconds: float,
        label: str,
        pace: Pace | None = None,
    ) -> None:
        self._compute = compute
        self._executor = executor
        self._most = most
        self._timeout_seconds = timeout_seconds
        self._label = label
        self._pace = pace or Pace()
        self._queue: deque[_Waiting] = deque()
        self._running: list[_Waiting] = []
        self._running_since = 0.0
        self._is_scheduled = False
        self._watcher: asyncio.TimerHandle | None = None
        self._idle: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        """Return how many requests have not been answered."""
        return len(self._queue) + len(self._running)

    @property
    def is_stuck(self) -> bool:
        """The model has not come back from a call in the time in which requests are answered."""
        return bool(self._running) and perf_counter() - self._running_since > self._timeout_seconds

    def ask(self, request: Request) -> asyncio.Future[Outputs]:
        """Return the future of the outputs; cancelling it takes the request out of the queue.

        Raises:
            RequestFailed: too many requests wait.
        """
        future: asyncio.Future[Outputs] = asyncio.get_running_loop().create_future()
        self.put(request, future)
        return future

    def put(self, request: Request, place: Place) -> None:
        """Let a request wait for its outputs, which go to a place in the loop.

        Raises:
            RequestFailed: too many requests wait.
        """
        if len(self._queue) + len(self._running) >= self._most:
            message = f"{self._label} has {self._most} requests waiting, which is the most that it takes."
            raise RequestFailed(HTTPStatus.TOO_MANY_REQUESTS, message, retry_after=_RETRY_SECONDS)
        self._queue.append(_Waiting(request, place, perf_counter()))
        if not self._is_scheduled and not self._running:
            self._is_scheduled = True
            loop = asyncio.get_running_loop()
            loop.call_soon(self._flush, loop)

    async def drain(self) -> None:
        """Return when all that waited is answered."""
        if len(self):
            self._idle = asyncio.get_running_loop().create_future()
            await self._idle

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_scheduled = False
        if self._running:
            return
        batch = self._take()
        if not batch:
            self._tell_idle()
            return
        requests = [waiting.request for waiting in batch]
        method, count = requests[0].method.name, sum([request.count for request in requests])
        self._running, self._running_since = batch, perf_counter()
        if self._pace.is_quick(method, count):
            start = perf_counter()
            answers = self._compute(requests)
            self._pace.note(method, count, perf_counter() - start)
            self._settle(answers, loop)
        else:
            self._watch(loop)
            running = loop.run_in_executor(self._executor, self._timed, requests, method, count)
            running.add_done_callback(lambda done: self._settle(done.result(), loop))

    def _timed(self, requests: Sequence[Request], method: str, count: int) -> list[Answer]:
        start = perf_counter()
        answers = self._compute(requests)
        self._pace.note(method, count, perf_counter() - start)
        return answers

    def _take(self) -> list[_Waiting]:
        """Take the oldest request, and with it those that may share its call; drop those that nobody waits for."""
        queue = self._queue
        batch: list[_Waiting] = []
        others: list[_Waiting] = []
        room = _LARGEST_BATCH
        oldest = perf_counter() - self._timeout_seconds
        while queue:
            waiting = queue.popleft()
            if waiting.place.done():
                continue
            if waiting.since < oldest:
                self._give_up(waiting)
                continue
            request = waiting.request
            if not batch:
                batch.append(waiting)
                room -= request.count
                if not request.method.merges:
                    break
            elif request.group == batch[0].request.group and request.count <= room:
                batch.append(waiting)
                room -= request.count
            else:
                others.append(waiting)
            if room <= 0:
                break
        queue.extendleft(reversed(others))
        return batch

    def _settle(self, answers: Sequence[Answer], loop: asyncio.AbstractEventLoop) -> None:
        batch, self._running = self._running, []
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None
        for waiting, answer in zip(batch, answers, strict=True):
            if waiting.place.done():
                continue
            if isinstance(answer, RequestFailed):
                waiting.place.set_exception(answer)
            else:
                waiting.place.set_result(answer)
        if self._queue and not self._is_scheduled:
            self._is_scheduled = True
            loop.call_soon(self._flush, loop)
        elif not self._queue:
            self._tell_idle()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """While the model is busy in its thread, let nobody wait longer than was promised."""
        oldest = perf_counter() - self._timeout_seconds
        for waiting in (*self._running, *self._queue):
            if waiting.since < oldest and not waiting.place.done():
                self._give_up(waiting)
        self._watcher = loop.call_later(_LOOK_AT_CLOCK_SECONDS, self._watch, loop)

    def _give_up(self, waiting: _Waiting) -> None:
        message = f"{self._label} gave no answer within {self._timeout_seconds:g} s."
        failure = RequestFailed(HTTPStatus.SERVICE_UNAVAILABLE, message, retry_after=_RETRY_SECONDS)
        waiting.place.set_exception(failure)

    def _tell_idle(self) -> None:
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)
