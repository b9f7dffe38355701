"""Predictions without a task: the usual request is answered in the callbacks of its connection.

A task and the coroutines of a request cost more than all the rest of its way, but for the model. Whatever is unusual
(no prediction, no right to it, a body that comes in parts, is large or does not fit) is left to the application, which
knows what to say. The head of a request that was answered so is not even parsed again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast

from mlmagic.serving.app.application import Application
from mlmagic.serving.app.exchange import KnownCycle, ask
from mlmagic.serving.app.protocol import Protocol

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from mlmagic.serving.app.application import Scope

    Held = tuple[RequestResponseCycle, Any]

_log = logging.getLogger(__name__)
_MOST_HELD = 1 << 15
"""Bytes of a body that is not whole; uvicorn stops reading at twice as many until somebody takes them."""
_PATIENCE_SECONDS = 0.02
_HEAD_END = b"\r\n\r\n"


class DirectProtocol(Protocol):
    """Asks for predictions as soon as their request is there."""

    _held: Held | None = None
    """A request whose body is not whole yet."""
    _patience: asyncio.TimerHandle | None = None
    """Ends the wait for it."""
    _is_between = True
    """No request has begun that has not ended."""
    _data = b""
    """What is being parsed, if it begins with a request."""
    _answered_at = float("-inf")
    """When a request with a known head was answered."""

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._is_between and self._is_asked_again(data):
            return
        self._data = data if self._is_between else b""
        super().data_received(data)
        # A request that waited for others is none of what came last.
        self._data = b""
        if self._held is None:
            return
        cycle, _ = self._held
        if cycle.waiting_for_100_continue or len(cycle.body) > _MOST_HELD:
            self._let_go()
        elif self._patience is None:
            # Most clients send the head of a request by itself, and its body right behind.
            self._patience = self.loop.call_later(_PATIENCE_SECONDS, self._let_go)

    def on_message_begin(self) -> None:
        """Take the beginning of a request."""
        self._is_between = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        self._is_between = True
        super().on_message_complete()
        if self._held is not None:
            self._answer(*self._take_held(self._held))

    def _let_go(self) -> None:
        """Leave a request to the application, which also knows how long a body may take."""
        if self._held is not None:
            super()._start_asgi_task(*self._take_held(self._held))

    def _take_held(self, held: Held) -> Held:
        self._held = None
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        return held

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Wait for the rest of what has come already. A uvicorn that does not call this answers all in tasks."""
        if cycle.more_body:
            self._held = cycle, app
        else:
            self._answer(cycle, app)

    def _answer(self, cycle: RequestResponseCycle, app: Any) -> None:
        if not self._is_asked_directly(cycle, app):
            super()._start_asgi_task(cycle, app)

    def _is_asked_directly(self, cycle: RequestResponseCycle, app: Any) -> bool:
        if self.flow.write_paused or cycle.disconnected or not isinstance(app, Application):
            return False
        try:
            asked = app.find_prediction(cast("Scope", cycle.scope), len(cycle.body))
            if asked is None or not ask(cycle, app, asked, bytes(cycle.body)):
                return False
        except Exception:  # noqa: BLE001 - the application meets it again, and tells the client
            return False
        end = self._data.find(_HEAD_END) + len(_HEAD_END)
        if cycle.keep_alive and len(self._data) == end + asked.size:
            # All of it is this request, with a body as long as the head says.
            app.remember(self._data[:end], asked)
        return True

    def _is_asked_again(self, data: bytes) -> bool:
        """Answer a request whose head is known to the byte; False if it is to be parsed after all."""
        before, app = self.cycle, self.app
        if (before is not None and not before.response_complete) or not isinstance(app, Application):
            return False
        end = data.find(_HEAD_END) + len(_HEAD_END)
        asked = app.recall(data[:end])
        if asked is None or len(data) != end + asked.size or self.flow.write_paused or self.transport.is_closing():
            return False
        cycle = KnownCycle(self.transport, self.server_state.default_headers, self._on_known_response)
        # So that whoever looks at the connection sees that it is busy.
        self.cycle = cast("RequestResponseCycle", cycle)
        try:
            if ask(cycle, app, asked, data[end:]):
                return True
        except Exception:  # noqa: BLE001 - the application meets it again, and tells the client
            _log.debug("a request is read once more", exc_info=True)
        self.cycle = before
        return False

    def _on_known_response(self) -> None:
        """Do what uvicorn does behind a response, but keep the timer: to make one each time is a twentieth of all."""
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None or self.pipeline:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it has been idle for so long; otherwise look again when it may have been."""
        idle = self.loop.time() - self._answered_at
        if self.cycle is not None and not self.cycle.response_complete:
            idle = 0.0
        if idle >= self.timeout_keep_alive:
            super().timeout_keep_alive_handler()
        else:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive - idle, self.timeout_keep_alive_handler
            )
