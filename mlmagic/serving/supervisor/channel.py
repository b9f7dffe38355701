"""What supervisor and worker tell each other: JSON documents, a line each, both ways over a socket pair."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping
from typing import Any, Self

_LONGEST = 1 << 26
"""Bytes of a line: signatures may have many thousands of inputs."""

Message = dict[str, Any]


class Channel:
    """One end of it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, connection: socket.socket) -> Self:
        """Take the socket, in the loop that runs."""
        connection.setblocking(False)  # noqa: FBT003 - the name of the method says what it means
        return cls(*await asyncio.open_unix_connection(sock=connection, limit=_LONGEST))

    async def hear(self) -> Message | None:
        """Return what comes next; None when the other side is gone."""
        try:
            line = await self._reader.readline()
            return dict(json.loads(line)) if line.endswith(b"\n") else None
        except (OSError, ValueError):
            return None

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send it without waiting. To one that is gone it is not sent."""
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        """Hang up."""
        self._writer.close()
