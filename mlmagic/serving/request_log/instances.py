"""Logged bodies to columns: a value for each instance, as monitoring takes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(slots=True, kw_only=True)
class Instances:
    """Columns of the same length; None where an instance has no such input."""

    inputs: dict[str, list[Any]] = field(default_factory=dict)
    predictions: dict[str, list[Any]] = field(default_factory=dict)
    """By the name of the output; `prediction` where the model has one."""
    versions: list[str] = field(default_factory=list)
    """The number of the version that answered."""
    skipped: int = 0
    """Requests of other forms: serialized examples, tensors without names, or nested very deeply."""


def instances_of(table: pa.Table, *, only_input: str | None = None, version: str | None = None) -> Instances:
    """Return the instances of a table of the log.

    Args:
        table: as `read_parts` gives it.
        only_input: what the input is called whose values come without a name, if the model has only one.
        version: only those that this version answered, such as `"3"`.
    """
    found = Instances()
    columns = [table.column(name).to_pylist() for name in ("deployed_model_id", "request_payload", "response_payload")]
    for answered, request, reply in zip(*columns, strict=True):
        if version is not None and answered != version:
            continue
        try:
            rows = _rows(json.loads(request), "inputs", "instances", only_input)
            outputs = _rows(json.loads(reply), "outputs", "predictions", "prediction")
        except RecursionError:
            rows = outputs = None
        if rows is None or outputs is None or len(rows) != len(outputs):
            found.skipped += 1
            continue
        _extend(found.inputs, rows, len(found.versions))
        _extend(found.predictions, outputs, len(found.versions))
        found.versions += [answered] * len(rows)
    return found


def _rows(body: Mapping[str, Any], columns: str, rows: str, only: str | None) -> list[dict[str, Any]] | None:
    if columns in body:
        values: Any = body[columns]
        if not isinstance(values, dict):
            values = {only or "": values}
        lists = [value for value in values.values() if isinstance(value, list)]
        if "" in values or len(lists) < len(values) or len({len(value) for value in lists}) != 1:
            return None
        return [dict(zip(values, map(_value, row), strict=True)) for row in zip(*lists, strict=True)]
    found = []
    for row in body.get(rows) or ():
        if not isinstance(row, dict):
            if only is None:
                return None
            row = {only: row}  # noqa: PLW2901 - the same instance, with its name
        found.append({name: _value(value) for name, value in row.items()})
    return found or None


def _value(value: Any) -> Any:
    """Return the number or text itself where it comes in lists of one."""
    while isinstance(value, list) and len(value) == 1:
        (value,) = value
    return value


def _extend(columns: dict[str, list[Any]], rows: list[dict[str, Any]], before: int) -> None:
    for name in dict.fromkeys(name for row in rows for name in row):
        columns.setdefault(name, [None] * before)
    for name, values in columns.items():
        values += [row.get(name) for row in rows]
