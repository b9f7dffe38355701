"""What agent and fork server tell each other: JSON objects, each after its length in four bytes."""

from __future__ import annotations

import json
import struct
from typing import Any

_LENGTH = struct.Struct(">I")


def encode(message: dict[str, Any]) -> bytes:
    """Return a message as it is sent."""
    data = json.dumps(message).encode("ascii")
    return _LENGTH.pack(len(data)) + data


class Inbox:
    """Bytes as they come, until they are messages."""

    def __init__(self) -> None:
        self._data = bytearray()

    def add(self, data: bytes) -> None:
        """Take what was received."""
        self._data += data

    def take(self) -> dict[str, Any] | None:
        """Return the next message, if it is complete."""
        if len(self._data) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._data)[0]
        if len(self._data) < end:
            return None
        message: dict[str, Any] = json.loads(self._data[_LENGTH.size : end])
        del self._data[:end]
        return message
