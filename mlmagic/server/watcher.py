"""The one task that looks at the workspace for all who listen, and only while somebody does."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from mlmagic.errors import MlmagicError
from mlmagic.server.watcher_messages import LAGGING, Message

LOOK_SECONDS = 0.1
_LOOKS = 10
"""In the thread before the event loop is told that there was nothing: to go back and forth costs more than a look."""
MOST_WAITING = 256
"""Messages for one listener that were not taken yet; whoever is slower reads everything again."""
_PAUSE_SECONDS = 2.0

T = TypeVar("T")


class Looks(Protocol):
    """What is looked at; each method but `since` is called in the same thread, one at a time."""

    last_event: int

    def begin(self) -> None:
        """Take what is there as known."""
        ...

    def look(self) -> list[Message]:
        """Return what is new."""
        ...

    def since(self, event_id: int) -> list[Message]:
        """Return what has come after an event."""
        ...

    def close(self) -> None:
        """Hold nothing open."""
        ...


class Listener:
    """What waits for one who listens."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str | int, Message] = OrderedDict()
        self._arrived = asyncio.Event()
        self._count = 0

    def put(self, message: Message) -> None:
        """Add a message; one that makes another worthless takes its place."""
        self._count += 1
        key: str | int = self._count if message.replaces is None else message.replaces
        self._waiting.pop(key, None)
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.clear()
            message, key = LAGGING, self._count
        self._waiting[key] = message
        self._arrived.set()

    def wake(self) -> None:
        """Have `take` return at once."""
        self._arrived.set()

    async def take(self, seconds: float) -> list[Message]:
        """Return what waits, at once if something does; nothing if nothing comes for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return []
        self._arrived.clear()
        messages = list(self._waiting.values())
        self._waiting.clear()
        return messages


class Watcher:
    """Looks for all listeners of an event loop. Its methods are for that loop alone."""

    def __init__(self, looks: Looks, log: logging.Logger | None = None) -> None:
        self._looks = looks
        self._log = log or logging.getLogger(__name__)
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._begun: asyncio.Future[None] | None = None
        self._ended = threading.Event()
        # One for ever: who begins anew waits until what was looked at is closed. A thread without work costs nothing.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mlmagic-watcher")

    @property
    def is_looking(self) -> bool:
        """Whether somebody listens."""
        return self._task is not None

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    @property
    def last_event(self) -> int:
        """The newest event that was told."""
        return self._looks.last_event

    async def listen(self) -> Listener:
        """Return a listener that is told what happens from now on."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            if self._task is None:
                self._begun = asyncio.get_running_loop().create_future()
                self._ended = threading.Event()
                self._task = asyncio.create_task(self._run(self._begun, self._ended), name="mlmagic-watcher")
            if self._begun is not None:
                await asyncio.shield(self._begun)
        except BaseException:
            self.leave(listener)
            raise
        return listener

    def leave(self, listener: Listener) -> None:
        """Tell a listener nothing more; when the last one has gone, nothing is looked at."""
        self._listeners.discard(listener)
        if self._listeners or self._task is None:
            return
        self._ended.set()
        self._task.cancel()
        self._thread.submit(self._looks.close)
        self._task = self._begun = None

    async def since(self, event_id: int) -> list[Message]:
        """Return what has happened after an event."""
        try:
            return await asyncio.to_thread(self._looks.since, event_id)
        except MlmagicError:
            return [LAGGING]

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    async def _run(self, begun: asyncio.Future[None], ended: threading.Event) -> None:
        try:
            await self._in_thread(self._looks.begin)
        finally:
            if not begun.done():
                begun.set_result(None)
        while True:
            try:
                messages = await self._in_thread(lambda: self._look_on(ended))
            except Exception:  # noqa: BLE001 - whatever it is
                # A mistake of ours is to be seen, and to end nobody's stream.
                self._log.exception("mlmagic | the workspace could not be looked at")
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            for message in messages:
                for listener in self._listeners:
                    listener.put(message)

    def _look_on(self, ended: threading.Event) -> list[Message]:
        """Look until there is something to tell, a second has passed, or nobody listens any more."""
        for _ in range(_LOOKS):
            if ended.wait(LOOK_SECONDS):
                break
            if messages := self._looks.look():
                return messages
        return []
