"""A request for a prediction, and the way back for its answer, without a task."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any

from mlmagic.serving.app.application import Application, Asked, Prediction
from mlmagic.serving.app.failures import RequestFailed
from mlmagic.serving.app.replies import HeaderList

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_log = logging.getLogger(__name__)
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class _Nobody:
    """Stands for those who wait for the rest of a request: a known one has come as a whole."""

    def set(self) -> None:
        """Wake them."""


class KnownCycle:
    """What uvicorn has of a request while that is answered, without a scope: for one whose head is known."""

    __slots__ = ("default_headers", "disconnected", "keep_alive", "on_response", "response_complete", "transport")

    message_event = _Nobody()
    response_started = False

    def __init__(
        self, transport: asyncio.Transport, default_headers: HeaderList, on_response: Callable[[], None]
    ) -> None:
        self.transport = transport
        self.default_headers = default_headers
        self.on_response = on_response
        self.disconnected = self.response_complete = False
        self.keep_alive = True


class Exchange:
    """A request for a prediction, and the way back for its answer."""

    __slots__ = ("_app", "_asked", "_cycle", "_is_over", "_prediction", "_since", "request")

    def __init__(
        self, cycle: RequestResponseCycle | KnownCycle, app: Application, prediction: Prediction, asked: bytes
    ) -> None:
        self.request: Any = None
        self._cycle = cycle
        self._app = app
        self._prediction = prediction
        self._asked = asked
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
            self._send(*self._app.success(choice, self._asked, body))
            self._app.copy(choice, dialect, self._asked, body, self._since)

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
        cycle.response_complete = True
        if not isinstance(cycle, KnownCycle):
            cycle.response_started = True
            cycle.message_event.set()
        try:
            cycle.transport.write(b"".join(parts))
            if not cycle.keep_alive:
                cycle.transport.close()
            cycle.on_response()
        except (OSError, RuntimeError):
            # The first is what a server should raise when nobody is there any more, the second what uvloop does.
            _log.debug("there is nobody to be answered any more", exc_info=True)


def ask(cycle: RequestResponseCycle | KnownCycle, app: Application, asked: Asked, body: bytes) -> bool:
    """Ask for a prediction, which goes out by itself; False if nothing was asked, and somebody else has to answer."""
    prediction = Prediction.of(asked)
    return prediction.choice.version.ask(body, prediction.dialect, Exchange(cycle, app, prediction, body))
