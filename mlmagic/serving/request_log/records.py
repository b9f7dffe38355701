"""What a journal holds: a head, and records that are only appended, each with its length and a check of its bytes.

A process that is killed while it writes leaves a record that is not whole: it is recognised, and nothing follows it.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable
from typing import NamedTuple

MAGIC = b"MLMREQ1\n"
_FRAME = struct.Struct("<II")
"""Bytes of the record, and their CRC-32."""
_FIELDS = struct.Struct("<qqiI")
"""Time, id, version, bytes of the request; the request and the reply follow."""


class Logged(NamedTuple):
    """A request and its prediction."""

    time: int
    """Microseconds since 1970."""
    id: int
    version: int
    request: bytes
    reply: bytes


class Head(NamedTuple):
    """What all records of a journal share."""

    endpoint: str
    model: str
    key: str | None


class Journal(NamedTuple):
    """What was read of a journal."""

    head: Head
    records: list[Logged]
    torn: int
    """1 if its last record is not whole."""


def pack_head(head: Head) -> bytes:
    """Return the first bytes of a journal."""
    text = json.dumps(head._asdict()).encode()
    return MAGIC + _FRAME.pack(len(text), zlib.crc32(text)) + text


def pack(records: Iterable[Logged]) -> bytes:
    """Return records as they are appended."""
    parts: list[bytes] = []
    for time, id_, version, request, reply in records:
        body = b"".join((_FIELDS.pack(time, id_, version, len(request)), request, reply))
        parts += (_FRAME.pack(len(body), zlib.crc32(body)), body)
    return b"".join(parts)


def unpack(data: bytes) -> Journal | None:
    """Return what a journal holds; None if not even its head is whole, so that nothing can be in it."""
    if not data.startswith(MAGIC):
        return None
    bodies: list[memoryview] = []
    place, view = len(MAGIC), memoryview(data)
    while (body := _whole(view, place)) is not None:
        bodies.append(body)
        place += _FRAME.size + len(body)
    if not bodies:
        return None
    head = Head(**json.loads(bytes(bodies[0])))
    return Journal(head, [_logged(body) for body in bodies[1:]], int(place < len(data)))


def _whole(view: memoryview, place: int) -> memoryview | None:
    start = place + _FRAME.size
    if start > len(view):
        return None
    size, check = _FRAME.unpack_from(view, place)
    body = view[start : start + size]
    return body if len(body) == size and zlib.crc32(body) == check else None


def _logged(body: memoryview) -> Logged:
    time, id_, version, size = _FIELDS.unpack_from(body)
    start = _FIELDS.size
    return Logged(time, id_, version, bytes(body[start : start + size]), bytes(body[start + size :]))
