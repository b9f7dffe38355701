"""What happens in the workspace, as it happens: `text/event-stream`, one for each tab of a browser."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tornado.iostream import StreamClosedError

from mlmagic import __version__
from mlmagic.server.handler import Handler, Route, described
from mlmagic.server.live_views import views_of
from mlmagic.server.watcher import Listener
from mlmagic.server.watcher_messages import LAGGING, Message

PING_SECONDS = 15.0


class EventsHandler(Handler):
    """The stream of what happens."""

    needs_workspace = False
    ping_seconds = PING_SECONDS

    _listener: Listener | None = None
    _is_gone = False

    @described()
    async def get(self) -> None:
        """Tell what happens from now on, or since the event that `Last-Event-ID` names."""
        watcher = views_of(self.session).watcher
        listener = self._listener = await watcher.listen()
        try:
            self._begin()
            hello = Message(event="hello", data=json.dumps({"event": watcher.last_event, "version": __version__}))
            missed = []
            if last := self.request.headers.get("Last-Event-ID", ""):
                missed = await watcher.since(int(last)) if _is_event(last) else [LAGGING]
            await self._tell([hello, *missed])
            while not self._is_gone:
                await self._tell(await listener.take(self.ping_seconds))
        except StreamClosedError:
            pass
        finally:
            watcher.leave(listener)

    def on_connection_close(self) -> None:
        """End, also while nothing happens."""
        self._is_gone = True
        if self._listener is not None:
            self._listener.wake()
        super().on_connection_close()

    def _begin(self) -> None:
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self.set_header("Cache-Control", "no-cache, no-transform")
        self.set_header("X-Accel-Buffering", "no")
        # Jupyter would compress it: work for each listener, and some proxies hold back what is compressed.
        self.set_header("Content-Encoding", "identity")

    async def _tell(self, messages: Iterable[Message]) -> None:
        self.write("".join(map(str, messages)) or ": ping\n\n")
        # It takes as long as the browser takes to read; what comes meanwhile waits, and not for ever.
        await self.flush()


def _is_event(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


ROUTES = (Route("events", EventsHandler),)
