"""Threads in which requests are worked on, so that the server itself waits for no disk and no model.

They are daemons. A server that ends waits for none of them: what an action changes is changed whole or not at all,
whenever its process is killed.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from queue import SimpleQueue
from typing import Any, TypeVar

from tornado import web

T = TypeVar("T")

_LANES = {"read": (8, 256), "act": (8, 64), "wait": (8, 32)}
"""How many threads each has, and how many calls may wait for one."""


class BusyError(web.HTTPError):
    """There is more to do than anybody would wait for."""

    def __init__(self, waiting: int) -> None:
        super().__init__(503, f"the server has too much to do: {waiting} such requests wait already. Try again later.")


class Threads:
    """Some threads, and what waits for them: what came first is done first."""

    def __init__(self, name: str, count: int, most_waiting: int) -> None:
        self._name = name
        self._count = count
        self._most_waiting = most_waiting
        self._queue: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._lock = threading.Lock()
        self._begun = 0
        self._idle = threading.Semaphore(0)

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Have a function called in a thread.

        Raises:
            BusyError: too much waits already.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._queue.qsize() >= self._most_waiting:
                raise BusyError(self._queue.qsize())
            self._queue.put((future, function))
            if not self._idle.acquire(blocking=False) and self._begun < self._count:
                self._begun += 1
                threading.Thread(target=self._work, name=f"{self._name}-{self._begun}", daemon=True).start()
        return future

    async def run(self, function: Callable[[], T]) -> T:
        """Return what a function returns that is called in a thread."""
        return await asyncio.wrap_future(self.submit(function))

    def _work(self) -> None:
        while True:
            _call(*self._queue.get())
            self._idle.release()


def _call(future: Future[Any], function: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is for whoever waits
        future.set_exception(error)
    except BaseException as error:  # noqa: BLE001
        # Raised where the future is waited for, it would end the server.
        future.set_exception(RuntimeError(f"{type(error).__name__} where nothing is to be ended"))
    else:
        future.set_result(result)


@cache
def threads(lane: str) -> Threads:
    """Return the threads of a lane, each its own: `read`, `act`, or `wait` for what may take minutes.

    An action may wait for another, and nobody who looks is to wait with it.
    """
    count, most_waiting = _LANES[lane]
    return Threads(f"mlmagic-{lane}", count, most_waiting)
