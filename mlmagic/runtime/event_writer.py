"""Scalars as TensorBoard event files, without TensorFlow; the format is told in `event_file`."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path

from mlmagic.runtime.crc32c import masked_crc32c
from mlmagic.workspace.files import make_folder, open_to_append

_VERSION = b"brain.Event:2"


class EventWriter:
    """Appends to a file of its own. What is written is there in full or not at all, if the process is not killed."""

    def __init__(self, folder: Path, *, time: float) -> None:
        """Nothing is made before the first scalar; `time`, in seconds since 1970, orders the files of a folder."""
        self._path = folder / f"events.out.tfevents.{time:017.6f}.{os.getpid()}"
        self._time = time

    def write(self, scalars: Mapping[str, float], *, step: int, time: float) -> None:
        """Append an event with these values by tag.

        Raises:
            OSError: the disk is full.
        """
        make_folder(self._path.parent)
        descriptor = open_to_append(self._path)
        try:
            size = os.fstat(descriptor).st_size
            data = b"" if size else _record(_double(1, self._time) + _bytes(3, _VERSION))
            data += _record(_event(scalars, step, time))
            try:
                while data:
                    data = data[os.write(descriptor, data) :]
            except OSError:
                # Readers would take what follows for the rest of a record.
                os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)


def _event(scalars: Mapping[str, float], step: int, time: float) -> bytes:
    values = b"".join(
        _bytes(1, _bytes(1, tag.encode()) + b"\x15" + struct.pack("<f", value)) for tag, value in scalars.items()
    )
    return _double(1, time) + b"\x10" + _varint(step) + _bytes(5, values)


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))
