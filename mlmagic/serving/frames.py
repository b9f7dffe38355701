"""What kernel and serving process say to each other: a JSON header, and columns as raw bytes beside it.

A frame is the length of its header (4 bytes), the length of its body (8 bytes), header, body; all little-endian. The
header's `columns` tell name, dtype, shape and size of each column in the body:

- numbers and booleans: their bytes in C order;
- `string`: the length of each as 4 bytes, then UTF-8 texts or other bytes one after the other;
- `json`: JSON, for what has no rectangular shape.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_LENGTHS = struct.Struct("<IQ")
_RECEIVE_BYTES = 1 << 20


def send(connection: socket.socket, header: Mapping[str, Any], columns: Mapping[str, Any] | None = None) -> None:
    """Send a frame. Columns are arrays, or nested lists for what has no rectangular shape."""
    described, parts = [], []
    for name, column in (columns or {}).items():
        dtype, shape, part = _pack(column)
        described.append({"name": name, "dtype": dtype, "shape": shape, "size": len(part)})
        parts.append(part)
    text = json.dumps({**header, "columns": described}).encode()
    connection.sendall(_LENGTHS.pack(len(text), sum(map(len, parts))) + text)
    for part in parts:
        connection.sendall(part)


def receive(connection: socket.socket, deadline: float | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and columns of the next frame.

    Args:
        connection: to the other side.
        deadline: by `time.monotonic`.

    Raises:
        EOFError: the other side is gone.
        TimeoutError: the deadline passed.
    """
    header_size, body_size = _LENGTHS.unpack(_read(connection, _LENGTHS.size, deadline))
    header = json.loads(bytes(_read(connection, header_size, deadline)))
    body = memoryview(_read(connection, body_size, deadline))
    columns, start = {}, 0
    for column in header.pop("columns"):
        end = start + column["size"]
        columns[column["name"]] = _unpack(column["dtype"], column["shape"], body[start:end])
        start = end
    return header, columns


def _read(connection: socket.socket, size: int, deadline: float | None) -> bytearray:
    buffer = bytearray(size)
    view, filled = memoryview(buffer), 0
    while filled < size:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
        count = connection.recv_into(view[filled:], min(size - filled, _RECEIVE_BYTES))
        if count == 0:
            raise EOFError
        filled += count
    return buffer


def _pack(column: Any) -> tuple[str, list[int], bytes | memoryview]:
    import numpy as np

    if not isinstance(column, np.ndarray):
        return "json", [], json.dumps(column).encode()
    if column.dtype.kind in "OSU":
        texts = [item.encode() if isinstance(item, str) else bytes(item) for item in column.ravel().tolist()]
        lengths = np.fromiter(map(len, texts), dtype="<u4", count=len(texts))
        return "string", list(column.shape), lengths.tobytes() + b"".join(texts)
    little = np.ascontiguousarray(column, dtype=column.dtype.newbyteorder("<"))
    return column.dtype.name, list(column.shape), little.tobytes()


def _unpack(dtype: str, shape: list[int], part: memoryview) -> Any:
    import numpy as np

    if dtype == "json":
        return json.loads(bytes(part))
    if dtype == "string":
        return _unpack_strings(shape, part)
    return np.frombuffer(part, dtype=np.dtype(dtype).newbyteorder("<")).reshape(shape)


def _unpack_strings(shape: list[int], part: memoryview) -> np.ndarray[Any, Any]:
    import numpy as np

    count = int(np.prod(shape))
    ends = np.cumsum(np.frombuffer(part[: 4 * count], dtype="<u4"), dtype=np.int64).tolist()
    texts = bytes(part[4 * count :])
    array = np.empty(count, dtype=object)
    array[:] = [texts[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    return array.reshape(shape)
