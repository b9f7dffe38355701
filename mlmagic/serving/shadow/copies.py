"""What workers send to a shadow: requests with the answers that were given; back comes a byte for each that is done."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable
from typing import NamedTuple

from mlmagic.serving.app.request import Dialect

DONE = b"."
_HEAD = struct.Struct("<IIBd")
"""Bytes of the request and of the reply, the dialect, seconds; the bytes follow."""
_DIALECTS = tuple(Dialect)


class Copied(NamedTuple):
    """A request that was answered."""

    dialect: Dialect
    seconds: float
    """That it took."""
    request: bytes
    reply: bytes

    @property
    def size(self) -> int:
        """Bytes of both."""
        return len(self.request) + len(self.reply)


def pack(copies: Iterable[Copied]) -> bytes:
    """Return the bytes of copies."""
    parts: list[bytes] = []
    for dialect, seconds, request, reply in copies:
        parts += (_HEAD.pack(len(request), len(reply), _DIALECTS.index(dialect), seconds), request, reply)
    return b"".join(parts)


async def read_copy(reader: asyncio.StreamReader) -> Copied | None:
    """Return the next copy; None when there is none any more."""
    try:
        asked, answered, place, seconds = _HEAD.unpack(await reader.readexactly(_HEAD.size))
        body = await reader.readexactly(asked + answered)
    except (OSError, asyncio.IncompleteReadError):
        return None
    return Copied(_DIALECTS[place], seconds, body[:asked], body[asked:])
