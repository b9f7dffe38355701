"""Replies, and errors in the form of the API under whose path they come."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from mlmagic.serving.app.failures import RequestFailed

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
HeaderList = list[tuple[bytes, bytes]]

_log = logging.getLogger(__name__)

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"
_VERTEX_PREFIX = "/v1/projects/"
_STATUS_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    413: "INVALID_ARGUMENT",
    415: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a page answers."""

    status: int = 200
    body: bytes = b""
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class NotAllowed(RequestFailed):
    """A method that a path does not have; `allowed` are those that it has."""

    def __init__(self, method: str, path: str, allowed: tuple[str, ...]) -> None:
        self.allowed = ", ".join(allowed)
        super().__init__(405, f"{method} is not what {path} takes: it takes {self.allowed}")


def page(document: Any, status: int = 200) -> Reply:
    """Return a reply in JSON."""
    return Reply(status=status, body=json.dumps(document, allow_nan=False).encode() + b"\n")


def failure_reply(failure: RequestFailed, path: str) -> Reply:
    """Return an error as TensorFlow Serving or Vertex AI tells it."""
    told: dict[str, Any]
    if path.startswith(_VERTEX_PREFIX):
        error = {
            "code": failure.status,
            "message": failure.text,
            "status": _STATUS_WORDS.get(failure.status, "UNKNOWN"),
        }
        told = {"error": error | ({"details": [_violations(failure)]} if failure.problems else {})}
    else:
        told = {"error": failure.text} | ({"problems": list(failure.problems)} if failure.problems else {})
    headers: HeaderList = []
    if failure.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="mlmagic"'))
    if failure.retry_after is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(failure.retry_after))).encode()))
    if isinstance(failure, NotAllowed):
        headers.append((b"allow", failure.allowed.encode()))
    return Reply(status=failure.status, body=json.dumps(told).encode() + b"\n", headers=tuple(headers))


async def send_reply(send: Send, reply: Reply, *more: tuple[bytes, bytes]) -> None:
    """Send a whole reply."""
    await deliver(send, reply.status, headers_of(reply, *more), reply.body)


def headers_of(reply: Reply, *more: tuple[bytes, bytes]) -> HeaderList:
    """Return all headers of a reply."""
    headers: HeaderList = [*reply.headers, *more]
    if reply.status != HTTPStatus.NO_CONTENT:
        headers += [(b"content-type", reply.content_type), (b"content-length", b"%d" % len(reply.body))]
    return headers


async def deliver(send: Send, status: int, headers: HeaderList, body: bytes) -> None:
    """Send headers and body; a connection that was closed meanwhile is nobody's fault."""
    try:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
    except (OSError, RuntimeError):
        # The first is what a server should raise then, the second what uvloop does.
        _log.debug("there is nobody to be answered any more", exc_info=True)


def _violations(failure: RequestFailed) -> dict[str, Any]:
    """Return the problems as Google's APIs detail them: `instances[3].age: expected ...` is about a field."""
    violations = []
    for problem in failure.problems:
        field, colon, description = problem.partition(": ")
        told = {"field": field, "description": description} if colon else {"description": problem}
        violations.append(told)
    return {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}
