"""What clients hear while no worker can serve them: 503, and when to come again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket

RETRY_SECONDS = 5
_READ_SECONDS = 2.0
_LONGEST_HEAD = 1 << 16


class Apology:
    """Answers every request on a listening socket, as long as it is open."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server

    @classmethod
    async def open(cls, listener: socket.socket, endpoint: str) -> Apology:
        """Begin to answer. The socket itself stays the caller's."""
        message = f"the endpoint {endpoint!r} cannot serve now; its log tells why (%endpoints logs {endpoint})"

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
                async with asyncio.timeout(_READ_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(reply(head, message))
                    await writer.drain()
                    writer.write_eof()
                    # A connection that is closed with something unread is reset, and the answer lost.
                    while await reader.read(1 << 16):
                        pass
            writer.close()

        return cls(await asyncio.start_server(answer, sock=listener.dup(), limit=_LONGEST_HEAD))

    def close(self) -> None:
        """Answer no more; connections that nobody has accepted stay for whoever accepts next."""
        self._server.close()


def reply(head: bytes, message: str) -> bytes:
    """Return the answer to a request, in the form that its path's clients read."""
    is_vertex = head.partition(b"\r\n")[0].partition(b" ")[2].startswith(b"/v1/projects/")
    told = {"code": 503, "message": message, "status": "UNAVAILABLE"} if is_vertex else message
    body = json.dumps({"error": told}).encode()
    lines = [
        "HTTP/1.1 503 Service Unavailable",
        "content-type: application/json",
        f"content-length: {len(body)}",
        f"retry-after: {RETRY_SECONDS}",
        "connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
