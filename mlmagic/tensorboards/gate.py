"""Who is let through to TensorBoard, which itself asks nobody for anything."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from mlmagic.tensorboards.record import ALIVE

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_OWN_NAMES = frozenset({"127.0.0.1", "localhost"})
_HOST = re.compile(r"(?P<name>[\w.-]+)(:\d+)?", re.ASCII)
_REFERRER = ("Referrer-Policy", "no-referrer")
"""The address is the secret: what a page links to need not see it."""


class Gate:
    """A WSGI application: lets through what knows the prefix and calls this machine by its own name.

    Any other user, program or page can reach the port; a page under a foreign name that leads to this machine as well.
    What is behind the gate knows nothing of the prefix, and so can tell nobody.
    """

    def __init__(self, application: WSGIApplication, prefix: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._application = application
        self._prefix = prefix
        self._clock = clock
        self._last = clock()

    @property
    def idle_seconds(self) -> float:
        """How long ago the last request was let through."""
        return self._clock() - self._last

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if _host_name(environ.get("HTTP_HOST", "")) not in _OWN_NAMES:
            return _answer(start_response, "403 Forbidden", "This address is for 127.0.0.1 and localhost alone.\n")
        path = environ.get("PATH_INFO", "")
        if not self._is_below_prefix(path):
            return _answer(start_response, "404 Not Found", "Not found.\n")
        self._last = self._clock()
        if path == self._prefix:
            return _answer(start_response, "308 Permanent Redirect", "", ("Location", f"{self._prefix}/"))
        if path == self._prefix + ALIVE:
            return _answer(start_response, "200 OK", "alive\n")

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, [*map(self._moved, headers), _REFERRER], *more)

        return self._application({**environ, "PATH_INFO": path[len(self._prefix) :]}, start)

    def _moved(self, header: tuple[str, str]) -> tuple[str, str]:
        name, value = header
        is_ours = name.lower() == "location" and value.startswith("/")
        return (name, f"{self._prefix}{value}") if is_ours else header

    def _is_below_prefix(self, path: str) -> bool:
        own, rest = path[: len(self._prefix)], path[len(self._prefix) :]
        is_ours = hmac.compare_digest(own.encode("utf-8", "replace"), self._prefix.encode())
        return is_ours and (not rest or rest.startswith("/"))


def _host_name(header: str) -> str | None:
    """Return the name that a Host header has, without its port: a tunnel may have another one."""
    match = _HOST.fullmatch(header)
    return match["name"].lower() if match else None


def _answer(start_response: StartResponse, status: str, text: str, *headers: tuple[str, str]) -> list[bytes]:
    body = text.encode()
    kind = ("Content-Type", "text/plain; charset=utf-8")
    length = ("Content-Length", str(len(body)))
    start_response(status, [kind, length, ("X-Content-Type-Options", "nosniff"), *headers])
    return [body]
