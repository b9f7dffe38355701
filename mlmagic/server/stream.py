"""What happens in the workspace, as it happens: `text/event-stream`, one for each tab of a browser."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterable
from datetime import UTC, datetime

from tornado.iostream import StreamClosedError

from mlmagic import __version__
from mlmagic.server.handler import Handler, Route, described
from mlmagic.server.live_views import views_of
from mlmagic.server.watcher import Listener, Watcher
from mlmagic.server.watcher_messages import LAGGING, Message
from mlmagic.spec.codec import encode, format_time
from mlmagic.spec.panel_rows import Hello

PING_SECONDS = 15.0
PATIENCE_SECONDS = 60.0
LONGEST_SECONDS = 3600.0


class EventsHandler(Handler):
    """The stream of what happens."""

    needs_workspace = False
    ping_seconds = PING_SECONDS
    patience_seconds = PATIENCE_SECONDS
    """Whoever takes nothing for so long has gone, and nobody has told."""
    longest_seconds = LONGEST_SECONDS
    """Then whoever listens is to ask anew: its login may have ended meanwhile."""

    _listener: Listener | None = None

    @described()
    async def get(self) -> None:
        """Tell what happens from now on, or since the event that `Last-Event-ID` names."""
        watcher = views_of(self.session).watcher
        listener = self._listener = await watcher.listen()
        try:
            self._begin()
            await self._tell(map(str, await self._first(watcher)))
            await self._tell_on(listener)
        except StreamClosedError:
            pass
        except TimeoutError:
            # What it was told lies in the server's memory until its connection ends.
            self.detach().close()
        finally:
            watcher.leave(listener)

    def on_connection_close(self) -> None:
        """End, also while nothing happens."""
        super().on_connection_close()
        if self._listener is not None:
            self._listener.wake()

    def _begin(self) -> None:
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self.set_header("Cache-Control", "no-cache, no-transform")
        self.set_header("X-Accel-Buffering", "no")
        # Jupyter would compress it: work for each listener, and some proxies hold back what is compressed.
        self.set_header("Content-Encoding", "identity")

    async def _first(self, watcher: Watcher) -> list[Message]:
        """Return where the stream begins, and what was missed before."""
        event = watcher.last_event
        told = Hello(event=event, version=__version__, time=datetime.now(UTC))
        hello = Message(event="hello", data=json.dumps(encode(told)))
        last = self.request.headers.get("Last-Event-ID", "")
        missed = (await self.run(watcher.since, int(last)) if _is_event(last) else [LAGGING]) if last else []
        if missed == [LAGGING]:
            return [hello, dataclasses.replace(LAGGING, id=event)]
        # Who breaks off before it was told what it missed is to ask for the same again.
        return [hello, *missed] if last else [dataclasses.replace(hello, id=event)]

    async def _tell_on(self, listener: Listener) -> None:
        now = asyncio.get_running_loop().time
        end, ping = now() + self.longest_seconds, now() + self.ping_seconds
        while not self._is_gone and now() < end:
            told = list(map(str, await listener.take(max(0.0, min(ping, end) - now()))))
            if now() >= ping:
                ping = now() + self.ping_seconds
                # By it a tab knows that the connection is there, and what time it is where jobs run.
                told.append(f": ping {format_time(datetime.now(UTC))}\n\n")
            if told:
                await self._tell(told)

    async def _tell(self, told: Iterable[str]) -> None:
        self.write("".join(told))
        # It takes as long as the browser takes to read; what comes meanwhile waits, and not for ever.
        async with asyncio.timeout(self.patience_seconds):
            await self.flush()


def _is_event(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


ROUTES = (Route("events", EventsHandler),)
