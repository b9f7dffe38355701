"""The one task that looks at the workspace for all who listen, and only while somebody does."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from typing import Protocol, TypeVar

from mlmagic.server.threads import BusyError, Threads
from mlmagic.server.watcher_messages import LAGGING, Message

LOOK_SECONDS = 0.1
_LOOKS = 10
"""In the thread before the event loop is told that there was nothing: to go back and forth costs more than a look."""
MOST_WAITING = 2_000
"""Messages for one listener that were not taken yet; whoever is slower reads everything again. So many jobs may move in
one second."""
MOST_CHARACTERS = 8_000_000
"""Of those messages."""
MOST_LISTENERS = 500
_PAUSE_SECONDS = 2.0
_MOST_BEGINNINGS = 10_000

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
        """Return what has come after an event; for any thread."""
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
        self._characters = 0

    def put(self, message: Message) -> None:
        """Add a message; one that makes another worthless takes its place."""
        self._count += 1
        key: str | int = self._count if message.replaces is None else message.replaces
        if (worthless := self._waiting.pop(key, None)) is not None:
            self._characters -= len(worthless.data)
        if len(self._waiting) >= MOST_WAITING or self._characters + len(message.data) > MOST_CHARACTERS:
            self._waiting.clear()
            self._characters = 0
            message, key = LAGGING, self._count
        self._waiting[key] = message
        self._characters += len(message.data)
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
        self._characters = 0
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
        self._thread = Threads("mlmagic-watcher", count=1, most_waiting=_MOST_BEGINNINGS)

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
        """Return a listener that is told what happens from now on.

        Raises:
            BusyError: too many listen already.
        """
        if len(self._listeners) >= MOST_LISTENERS:
            raise BusyError(len(self._listeners))
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

    def since(self, event_id: int) -> list[Message]:
        """Return what has happened after an event; for any thread."""
        return self._looks.since(event_id)

    async def _run(self, begun: asyncio.Future[None], ended: threading.Event) -> None:
        is_known = True
        try:
            await self._thread.run(self._looks.begin)
        except Exception:  # noqa: BLE001 - whatever it is
            # Whoever listens is to be told of the first look that succeeds.
            is_known = False
            self._log.exception("mlmagic | the workspace could not be looked at")
        finally:
            if not begun.done():
                begun.set_result(None)
        await self._look(ended, is_known=is_known)

    async def _look(self, ended: threading.Event, *, is_known: bool) -> None:
        failure = ""
        while True:
            try:
                messages = await self._thread.run(lambda: self._look_on(ended))
            except Exception as error:  # noqa: BLE001 - whatever it is
                # A mistake of ours is to be seen, once, and to end nobody's stream.
                if failure != (failure := repr(error)):
                    self._log.exception("mlmagic | the workspace could not be looked at")
                is_known = False
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            for message in messages if is_known else [LAGGING, *messages]:
                for listener in self._listeners:
                    listener.put(message)
            is_known, failure = True, ""

    def _look_on(self, ended: threading.Event) -> list[Message]:
        """Look until there is something to tell, a second has passed, or nobody listens any more."""
        for _ in range(_LOOKS):
            if ended.wait(LOOK_SECONDS):
                break
            if messages := self._looks.look():
                return messages
        return []
