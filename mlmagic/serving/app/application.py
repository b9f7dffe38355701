"""The ASGI application of a worker: from a request to the version that answers it, in as few steps as there can be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from time import perf_counter
from typing import Any, NamedTuple, Self

from mlmagic.serving.app.access import Access, Gate, Headers
from mlmagic.serving.app.bodies import ClientGoneError, read_body
from mlmagic.serving.app.deployed import Choice, Deployed, Route, Routes, Table
from mlmagic.serving.app.failures import RequestFailed
from mlmagic.serving.app.pages import OPEN_PAGES, Pages, ReadStatus
from mlmagic.serving.app.replies import JSON, HeaderList, Send, deliver, failure_reply, headers_of, send_reply
from mlmagic.serving.app.request import Dialect
from mlmagic.serving.app.watch import Receive, Watch
from mlmagic.spec.endpoint import Limits

__all__ = ["Access", "Application", "Deployed", "Table", "create_app"]

Scope = MutableMapping[str, Any]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger(__name__)
_JSON = (b"content-type", JSON)
_CLOSE = (b"connection", b"close")
_UNUSUAL = frozenset({b"expect", b"content-encoding"})
_MOST_KNOWN, _LONGEST_KNOWN = 256, 1 << 12


class Asked(NamedTuple):
    """What a request asks for that may have a prediction."""

    routes: Routes
    """Where the path was looked up: another table may have come since."""
    route: Route
    path: str
    headers: Headers
    size: int
    """Bytes of the body."""


class Prediction(NamedTuple):
    """What a request for a prediction is about."""

    choice: Choice
    dialect: Dialect
    path: str
    headers: Headers

    @classmethod
    def of(cls, asked: Asked) -> Self:
        """Choose the version that answers."""
        return cls(asked.route.choose(asked.headers), asked.route.dialect, asked.path, asked.headers)


def create_app(
    deployed: Deployed, access: Access, limits: Limits, *, read_status: ReadStatus | None = None
) -> Application:
    """Return the ASGI application that answers for what is deployed.

    It runs in one event loop; `deployed` may be changed in that loop at any time. `read_status` returns what the whole
    endpoint did, for `/metrics`.
    """
    return Application(deployed, access, limits, read_status)


class Application:
    """Everything of a request but the connection, before, and the prediction itself, after."""

    def __init__(
        self, deployed: Deployed, access: Access, limits: Limits, read_status: ReadStatus | None = None
    ) -> None:
        self._deployed = deployed
        self._gate = Gate(access)
        self._limits = limits
        self._watch = Watch(limits.timeout_seconds)
        self._pages = Pages(deployed, limits, needs_token=access.needs_token, read_status=read_status)
        self._known: dict[bytes, Asked] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await _other(scope, receive, send)
            return
        path: str = scope["path"]
        headers: Headers = dict(scope["headers"])
        try:
            await self._respond(scope["method"], path, headers, receive, send)
        except RequestFailed as failure:
            await deliver(send, *self.failure(failure, path, headers))
        except Exception:  # noqa: BLE001 - whatever it is, the client gets an answer that it can read
            _log.exception("a request failed: %s", path)
            failed = RequestFailed(500, "the server failed; its log says why")
            await deliver(send, *self.failure(failed, path, headers))

    def find_prediction(self, scope: Scope, size: int) -> Asked | None:
        """Return what a request asks for, if that is a prediction, it may have one, and its body is as it was sent.

        `size` is that of the body.
        """
        routes, path = self._deployed.routes, scope["path"]
        route = routes.find(path) if routes is not None and scope["method"] == "POST" else None
        headers: Headers = dict(scope["headers"])
        if routes is None or route is None or size > self._limits.body_bytes or not _UNUSUAL.isdisjoint(headers):
            return None
        try:
            self._gate.check_origin(headers)
            self._gate.check_token(headers)
        except RequestFailed:
            return None
        return Asked(routes, route, path, headers, size)

    def remember(self, head: bytes, asked: Asked) -> None:
        """Keep what a head asks for, all of it, the token and the size of the body among it.

        Clients send the same head again and again, and to read it takes longer than to validate an instance.
        """
        if len(head) > _LONGEST_KNOWN:
            return
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[head] = asked

    def recall(self, head: bytes) -> Asked | None:
        """Return what the same head asked for before, if it still does."""
        asked = self._known.get(head)
        return asked if asked is not None and asked.routes is self._deployed.routes else None

    def success(self, choice: Choice, asked: bytes, body: bytes) -> tuple[int, HeaderList, bytes]:
        """Return status, headers and body of the reply with a prediction; `asked` is the body of the request."""
        if (log := self._deployed.log) is not None:
            log.offer(choice.version.number, asked, body)
        if choice.trailer:
            body = body[:-1] + choice.trailer
        headers = [_JSON, choice.header, (b"content-length", b"%d" % len(body))]
        if self._closes():
            headers.append(_CLOSE)
        return HTTPStatus.OK, headers, body

    def copy(self, choice: Choice, dialect: Dialect, asked: bytes, body: bytes, start: float) -> None:
        """Let the shadow have a request that was answered, if there is one; `start` is when it began to be."""
        if (shadow := self._deployed.shadow) is not None:
            shadow.offer(choice.version.number, dialect, asked, body, perf_counter() - start)

    def failure(
        self, failure: RequestFailed, path: str, headers: Headers, choice: Choice | None = None
    ) -> tuple[int, HeaderList, bytes]:
        """Return status, headers and body of the reply without one."""
        reply = failure_reply(failure, path)
        more = [] if choice is None else [choice.header]
        # Of a body that is not read the rest would be taken for the next request: the server reads and forgets it. But
        # one that was not even asked for, or does not come, would be waited for.
        if self._closes() or b"expect" in headers or failure.status == HTTPStatus.REQUEST_TIMEOUT:
            more.append(_CLOSE)
        return reply.status, headers_of(reply, *more), reply.body

    async def _respond(self, method: str, path: str, headers: Headers, receive: Receive, send: Send) -> None:
        self._gate.check_origin(headers)
        if path not in OPEN_PAGES:
            self._gate.check_token(headers)
        if method == "POST" and (routes := self._deployed.routes) is not None and routes.find(path) is not None:
            await self._predict(path, headers, receive, send)
        else:
            reply = self._pages.answer(method, path)
            await send_reply(send, reply, *([_CLOSE] if self._closes() else []))

    async def _predict(self, path: str, headers: Headers, receive: Receive, send: Send) -> None:
        choice: Choice | None = None
        failure: RequestFailed | None = None
        waiting = self._watch.begin(receive)
        try:
            asked = await read_body(headers, receive, self._limits.body_bytes)
            waiting.is_read = True
            # Only now, since another table may have come while the body did. From here to the version's queue nothing
            # waits, so that the version cannot be closed in between.
            route = self._pages.routes.find(path) or self._pages.lost_route(path)
            choice = route.choose(headers)
            start = perf_counter()
            body = await choice.version.predict(asked, route.dialect)
        except RequestFailed as raised:
            failure = raised
        except ClientGoneError:
            return
        except asyncio.CancelledError:
            if not waiting.ended or waiting.task.uncancel() > 0:
                raise
            if waiting.is_read:
                # Its client has gone.
                return
            failure = self._too_slow()
        finally:
            self._watch.end(waiting)
        if failure is not None:
            await deliver(send, *self.failure(failure, path, headers, choice))
        elif choice is not None:
            await deliver(send, *self.success(choice, asked, body))
            self.copy(choice, route.dialect, asked, body, start)

    def _closes(self) -> bool:
        deployed = self._deployed
        if deployed.closing <= 0:
            return False
        deployed.closing -= 1
        return True

    def _too_slow(self) -> RequestFailed:
        seconds = self._limits.timeout_seconds
        return RequestFailed(408, f"the body did not come in within the {seconds:g} s that this endpoint waits for one")


async def _other(scope: Scope, receive: Receive, send: Send) -> None:
    """Take part in the server's start and end; refuse WebSockets."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})
        return
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})
