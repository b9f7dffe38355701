"""What reading gives: good rows as a record batch, bad ones as rejections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mlmagic.preprocessing.reading.convert import convert, fault
from mlmagic.preprocessing.reading.rejections import Fault, Rejection
from mlmagic.preprocessing.reading.source import Source
from mlmagic.spec.dataset import ColumnType

BATCH_ROWS = 65_536
_VALUE_LENGTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RawBatch:
    """Rows of one file."""

    path: str
    batch: pa.RecordBatch
    """The good rows, with the source's schema; may be empty."""
    rejected: tuple[Rejection, ...] = ()
    bytes_done: int = 0
    """Bytes of the file that these rows are. Over a unit they add up to its size."""


def raw_batches(source: Source, path: str, batch: pa.RecordBatch, *, offset: int, size: int) -> Iterator[RawBatch]:
    """Bring a batch of typed columns to the source's types; rows are told by their number in the file."""
    good, faults = typed(source, [batch.column(column.name) for column in source.columns])
    rejected = tuple(
        Rejection(path, offset + row, reason, told, _row_text(batch, row), offset + row + 1)
        for row, reason, told in faults
    )
    yield RawBatch(path=path, batch=good, rejected=rejected, bytes_done=size)


def typed(source: Source, arrays: list[pa.Array]) -> tuple[pa.RecordBatch, list[tuple[int, str, str]]]:
    """Return the good rows, and of each other row its number, the reason, and the reason with the value."""
    converted = []
    faulty: dict[int, np.ndarray] = {}
    for index, (column, array) in enumerate(zip(source.columns, arrays, strict=True)):
        values, bad = convert(array, column.type)
        converted.append(values)
        if bad is not None:
            faulty[index] = bad
    batch = pa.RecordBatch.from_arrays(converted, schema=source.schema)
    if not faulty:
        return batch, []
    good = ~np.logical_or.reduce(list(faulty.values()))
    faults = []
    for row in np.flatnonzero(~good):
        index = next(index for index, bad in faulty.items() if bad[row])
        column = source.columns[index]
        faults.append((int(row), *told(column.name, value_of(arrays[index], int(row)), column.type)))
    return batch.filter(pa.array(good)), faults


def told(name: str, value: object, kind: ColumnType) -> Fault:
    """Return why the value of a column has none of that type, without and with the value."""
    phrase = fault(value, kind)
    shown = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
    shown = shown if len(shown) <= _VALUE_LENGTH else shown[: _VALUE_LENGTH - 1] + "…"
    verb = "is" if phrase.startswith(("not", "beyond")) else "has"
    return f"{name}: {phrase}", f"{name}: {shown} {verb} {phrase}"


def value_of(array: pa.Array, row: int) -> object:
    """Return a value as Python's; where that has none such, as of the year 12,000, the number that stands for it."""
    try:
        return array[row].as_py()
    except (OverflowError, ValueError):
        return array[row].value


def _row_text(batch: pa.RecordBatch, row: int) -> str:
    values = {name: value_of(batch.column(index), row) for index, name in enumerate(batch.schema.names)}
    return json.dumps(values, default=str, ensure_ascii=False)
