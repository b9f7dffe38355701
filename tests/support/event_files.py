"""Records of event files, written by hand and by TensorBoard's own classes."""

from __future__ import annotations

import struct
from typing import Any

from mlmagic.runtime.crc32c import masked_crc32c

TYPES = (
    *("float16", "bfloat16", "float32", "float64"),
    *("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
)
"""The types of numbers that a scalar can have."""


def record(data: bytes) -> bytes:
    """Frame an event."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))


def event(step: int, *, time: float | None = None, **values: float) -> bytes:
    """An event with the simple values that tensorboardX writes."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
    return Event(wall_time=1000.0 + step if time is None else time, step=step, summary=summary).SerializeToString()


def restart(step: int) -> bytes:
    """The event by which a program takes back what it wrote from a step on."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    log = SessionLog(status=SessionLog.START)
    return Event(wall_time=2000.0, step=step, session_log=log).SerializeToString()


def tensor_event(**tensor: Any) -> bytes:
    """An event with a tensor called x, given by the fields of a TensorProto."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    value = Summary.Value(tag="x", tensor=tensor)
    return Event(wall_time=1.0, summary=Summary(value=[value])).SerializeToString()
