"""Who may ask: a token, and hosts and origins of this machine alone while the endpoint listens on it alone."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mlmagic.serving.app.failures import RequestFailed

Headers = Mapping[bytes, bytes]
"""A request's headers; the names are in lower case."""

_HOST = re.compile(rb"(\[[0-9a-fA-F:.]+\]|[^:\[\]]*)(?::\d{0,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What an endpoint asks of its clients. `host` is where it listens."""

    token: str | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    needs_token: bool = True

    def __post_init__(self) -> None:
        if self.needs_token and not self.token:
            # An empty token would let everybody in who sends none.
            raise ValueError("an endpoint that needs a token was given none")


class Gate:
    """Lets requests in, or raises RequestFailed."""

    def __init__(self, access: Access) -> None:
        self._is_local = is_loopback(access.host)
        self._expected = f"Bearer {access.token}".encode() if access.needs_token else None
        # Nearly every request has one of very few hosts.
        self._hosts = {None, b"localhost", b"127.0.0.1", b"[::1]"}

    def check_origin(self, headers: Headers) -> None:
        """Refuse a request that came by way of a foreign name or page.

        A page of the web can let its own name point to this machine, and then have its reader's browser ask for it.
        """
        if not self._is_local:
            return
        host = headers.get(b"host")
        if host not in self._hosts and not self._knows(host):
            raise _foreign("Host", host, "localhost")
        origin = headers.get(b"origin")
        if origin is not None and not _is_local_origin(origin):
            raise _foreign("Origin", origin, "http://localhost")

    def check_token(self, headers: Headers) -> None:
        """Refuse a request without the token."""
        expected = self._expected
        if expected is None:
            return
        given = headers.get(b"authorization", b"")
        if hmac.compare_digest(given, expected):
            return
        scheme, _, token = given.partition(b" ")
        if scheme.lower() == b"bearer" and hmac.compare_digest(b"Bearer " + token.strip(), expected):
            return
        what = "has another token" if given else "has no token"
        raise RequestFailed(
            401, f"the request {what}: this endpoint wants the header `Authorization: Bearer TOKEN`, with its token"
        )

    def _knows(self, host: bytes | None) -> bool:
        match = _HOST.fullmatch(host or b"")
        if match is None or not is_loopback(match[1].decode("latin-1").strip("[]")):
            return False
        if len(self._hosts) < 64:
            self._hosts.add(host)
        return True


def is_loopback(host: str) -> bool:
    """Say whether a name or address is that of this machine for itself."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_local_origin(origin: bytes) -> bool:
    try:
        return is_loopback(urlsplit(origin.decode("latin-1")).hostname or "")
    except ValueError:
        return False


def _foreign(header: str, value: bytes | None, example: str) -> RequestFailed:
    told = (value or b"").decode("latin-1")
    return RequestFailed(
        403,
        f'the header {header} is "{told:.100}", which is not this machine: the endpoint listens on loopback alone. '
        f"Ask for it as {example}",
    )
