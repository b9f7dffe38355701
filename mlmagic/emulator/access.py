"""Who is let in: by a bearer token, or for storage by the token as the address's first part."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.token import Account, BadAssertionError

_LOCAL = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The rules of one emulator."""

    account: Account
    port: int

    def prefix(self, path: str) -> str:
        """Return the part of the address that is the token, with its slash; empty if there is none.

        Clients of Cloud Storage send no credentials to an emulator, but keep what stands in its address.
        """
        first = path.split("/", 2)[1] if path.startswith("/") else ""
        return f"/{first}" if first and hmac.compare_digest(first.encode(), self.account.token.encode()) else ""

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """Refuse what a web page elsewhere, or a name that leads here by a trick, has sent.

        Raises:
            ApiError: PERMISSION_DENIED.
        """
        host, origin = headers.get("Host", ""), headers.get("Origin")
        if host not in {f"{name}:{self.port}" for name in _LOCAL}:
            raise ApiError(status="PERMISSION_DENIED", message=f"Host {host!r} is not this emulator's.")
        if origin is not None and origin not in {f"http://{name}:{self.port}" for name in _LOCAL}:
            raise ApiError(status="PERMISSION_DENIED", message=f"Origin {origin!r} is not this emulator's.")

    def check_bearer(self, authorization: str | None) -> None:
        """Let the token in, and what the account's key has signed itself.

        Raises:
            ApiError: UNAUTHENTICATED.
        """
        kind, _, given = (authorization or "").partition(" ")
        if kind.lower() == "bearer" and hmac.compare_digest(given.encode(), self.account.token.encode()):
            return
        try:
            # gapic's clients sign a token for each API by themselves.
            self.account.verify(given if kind.lower() == "bearer" else "")
        except BadAssertionError:
            raise ApiError(
                status="UNAUTHENTICATED",
                message="Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie "
                "or other valid authentication credential.",
            ) from None
