"""Bodies of JSON to columns, each by itself: numbers among texts, lists of several lengths, or a body that is none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from mlmagic.monitoring.bodies import Block

_Row = dict[str, Any]


def read_odd_bodies(requests: Any, replies: Any, only_input: str | None) -> Block:
    """Return the instances of bodies in order; values of several kinds become texts.

    Args:
        requests: an Arrow array of text.
        replies: another one, of the same length.
        only_input: the name of values that have none.
    """
    inputs: list[_Row] = []
    predictions: list[_Row] = []
    places: list[int] = []
    for place, (request, reply) in enumerate(zip(requests.to_pylist(), replies.to_pylist(), strict=True)):
        rows = _rows(request, "inputs", "instances", only_input)
        outputs = _rows(reply, "outputs", "predictions", "prediction")
        if rows and outputs and len(rows) == len(outputs):
            inputs += rows
            predictions += outputs
            places += [place] * len(rows)
    return _columns(inputs), _columns(predictions), np.array(places, np.int64)


def _rows(text: str, columns: str, rows: str, only: str | None) -> list[_Row] | None:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    if body.get(columns) is not None:
        return _rows_of_columns(body[columns], only)
    found = []
    listed = body.get(rows)
    for row in listed if isinstance(listed, list) else ():
        if not isinstance(row, dict):
            if only is None:
                return None
            row = {only: row}  # noqa: PLW2901 - the same instance, with its name
        found.append({name: _value(value) for name, value in row.items()})
    return found


def _rows_of_columns(given: Any, only: str | None) -> list[_Row] | None:
    values: Mapping[str, Any] = given if isinstance(given, dict) else {only or "": given}
    values = {name: value for name, value in values.items() if value is not None}
    lists = [value for value in values.values() if isinstance(value, list)]
    if "" in values or len(lists) < len(values) or len({len(value) for value in lists}) != 1:
        return None
    return [dict(zip(values, map(_value, row), strict=True)) for row in zip(*lists, strict=True)]


def _value(value: Any) -> Any:
    """Return the number or text itself where it comes in lists of one."""
    while isinstance(value, list) and len(value) == 1:
        (value,) = value
    return value


def _columns(rows: Sequence[_Row]) -> dict[str, Any]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _array([row.get(name) for row in rows]) for name in names}


def _array(values: list[Any]) -> Any:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, UnicodeError):
        return pa.array([None if value is None else _text(value) for value in values], pa.large_string())


def _text(value: Any) -> str:
    return str(value).encode(errors="replace").decode()
