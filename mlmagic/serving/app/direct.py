"""Predictions without a task: the usual request is answered in the callbacks of its connection.

A task and the coroutines of a request cost more than all the rest of its way, but for the model. Whatever is unusual
(no prediction, no right to it, a body that comes in parts, is large or does not fit) is left to the application, which
knows what to say.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from mlmagic.serving.app.application import Application
from mlmagic.serving.app.failures import RequestFailed
from mlmagic.serving.app.protocol import Protocol
from mlmagic.serving.app.replies import HeaderList

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from mlmagic.serving.app.application import Prediction, Scope

    Held = tuple[RequestResponseCycle, Any]

_log = logging.getLogger(__name__)
_MOST_HELD = 1 << 15
"""Bytes of a body that is not whole; uvicorn stops reading at twice as many until somebody takes them."""
_PATIENCE_SECONDS = 0.02
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class DirectProtocol(Protocol):
    """Asks for predictions as soon as their request is there."""

    _held: Held | None = None
    """A request whose body is not whole yet."""
    _patience: asyncio.TimerHandle | None = None
    """Ends the wait for it."""

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        if self._held is None:
            return
        cycle, _ = self._held
        if cycle.waiting_for_100_continue or len(cycle.body) > _MOST_HELD:
            self._let_go()
        elif self._patience is None:
            # Most clients send the head of a request by itself, and its body right behind.
            self._patience = self.loop.call_later(_PATIENCE_SECONDS, self._let_go)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
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
            prediction = app.find_prediction(cast("Scope", cycle.scope), len(cycle.body))
            if prediction is None:
                return False
            exchange = Exchange(cycle, app, prediction)
            return prediction.choice.version.ask(bytes(cycle.body), prediction.dialect, exchange)
        except Exception:  # noqa: BLE001 - the application meets it again, and tells the client
            return False


class Exchange:
    """A request for a prediction, and the way back for its answer."""

    __slots__ = ("_app", "_cycle", "_is_over", "_prediction", "_since", "request")

    def __init__(self, cycle: RequestResponseCycle, app: Application, prediction: Prediction) -> None:
        self.request: Any = None
        self._cycle = cycle
        self._app = app
        self._prediction = prediction
        self._since = perf_counter()
        self._is_over = False

    def done(self) -> bool:
        """Say whether nobody waits for an answer any more."""
        return self._is_over or self._cycle.disconnected

    def set_result(self, outputs: Mapping[str, Any]) -> None:
        """Answer with a prediction."""
        choice, dialect, *_ = self._prediction
        try:
            body = choice.version.finish(self.request, outputs, dialect, self._since)
        except RequestFailed as failure:
            self.set_exception(failure)
        except Exception:  # noqa: BLE001 - nobody else answers
            _log.exception("a prediction cannot be sent")
            self.set_exception(RequestFailed(500, "the server failed; its log says why"))
        else:
            self._send(*self._app.success(choice, body))

    def set_exception(self, failure: RequestFailed) -> None:
        """Answer that there is none."""
        choice, _, path, headers = self._prediction
        choice.version.count_failure(failure)
        self._send(*self._app.failure(failure, path, headers, choice))

    def _send(self, status: int, headers: HeaderList, body: bytes) -> None:
        self._is_over = True
        cycle = self._cycle
        if not cycle.keep_alive:
            headers.append((b"connection", b"close"))
        elif any(name == b"connection" for name, _ in headers):
            cycle.keep_alive = False
        parts = [_STATUS_LINES[status]]
        for name, value in (*cycle.default_headers, *headers):
            parts += (name, b": ", value, b"\r\n")
        parts += (b"\r\n", body)
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        try:
            cycle.transport.write(b"".join(parts))
            if not cycle.keep_alive:
                cycle.transport.close()
            cycle.on_response()
        except (OSError, RuntimeError):
            # The first is what a server should raise when nobody is there any more, the second what uvloop does.
            _log.debug("there is nobody to be answered any more", exc_info=True)
