"""Logged requests as a table, under the names of Vertex AI's request-response logging."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlmagic.serving.request_log.records import Head, Logged

if TYPE_CHECKING:
    import pyarrow as pa


def schema() -> pa.Schema:
    """Return the columns. `keys` has one for each instance, if the log has a key."""
    import pyarrow as pa

    return pa.schema(
        [
            ("endpoint", pa.string()),
            ("deployed_model_id", pa.string()),
            ("model", pa.string()),
            ("logging_time", pa.timestamp("us", tz="UTC")),
            ("request_id", pa.int64()),
            ("request_payload", pa.string()),
            ("response_payload", pa.string()),
            ("keys", pa.list_(pa.string())),
        ]
    )


def to_table(head: Head, records: Sequence[Logged], columns: Sequence[str] | None = None) -> pa.Table:
    """Return records as rows: bodies as they came, the version as Vertex AI's `deployed_model_id`; or some columns."""
    import pyarrow as pa

    values: Mapping[str, Callable[[Logged], Any]] = {
        "endpoint": lambda _: head.endpoint,
        "deployed_model_id": lambda record: str(record.version),
        "model": lambda record: f"{head.model}@{record.version}",
        "logging_time": lambda record: record.time,
        "request_id": lambda record: record.id,
        "request_payload": lambda record: record.request.decode("utf-8", "replace"),
        "response_payload": lambda record: record.reply.decode("utf-8", "replace"),
        "keys": lambda record: _keys(record.request, head.key),
    }
    known = schema()
    fields = [known.field(name) for name in (known.names if columns is None else columns)]
    return pa.table(
        [pa.array([values[each.name](record) for record in records], each.type) for each in fields],
        schema=pa.schema(fields),
    )


def _keys(body: bytes, key: str | None) -> list[str | None] | None:
    """Return the key of each instance; None without one."""
    if key is None:
        return None
    try:
        payload: Any = json.loads(body)
    except RecursionError:
        # Nested more deeply than this reader takes; it must not keep all others from being converted.
        return None
    columns = payload.get("inputs")
    if isinstance(columns, dict):
        values = columns.get(key)
        found = values if isinstance(values, list) else [values]
    else:
        rows = payload.get("instances") or payload.get("examples") or []
        found = [row.get(key) if isinstance(row, dict) else None for row in rows]
    return [None if value is None else _text(value) for value in found]


def _text(value: Any) -> str:
    while isinstance(value, list) and len(value) == 1:
        (value,) = value
    return value if isinstance(value, str) else json.dumps(value)
