"""Served values as Arrow columns of the baseline's types, from Arrow, a DataFrame, or a mapping of lists and arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlmagic.errors import UsageError
from mlmagic.spec.dataset import Column, ColumnType

_TYPES: Mapping[ColumnType, Any] = {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.FLOAT: pa.float64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.STRING: pa.large_string(),
    ColumnType.TIMESTAMP: pa.timestamp("us"),
    ColumnType.DATE: pa.date32(),
}
# As integers these are counted; a served number with a fraction must not lose it.
_COUNTED_AS_FLOATS = frozenset({ColumnType.INTEGER, ColumnType.FLOAT})


def counted_as(column: Column) -> Column:
    """Return the column as it is counted in a window: whole numbers as any, since what comes may be none."""
    return Column(name=column.name, type=ColumnType.FLOAT) if column.type is ColumnType.INTEGER else column


def batches(data: Any, columns: Sequence[Column]) -> Iterator[Any]:
    """Yield record batches that have the columns; one that is not in the data is missing in all rows.

    What cannot be of the column's type, such as `"abc"` among numbers, is missing too.

    Raises:
        UsageError: the data is of another kind, or its columns are of different lengths.
    """
    table = _table(data)
    names = set(table.column_names)
    arrays = [
        _converted(table.column(column.name), column)
        if column.name in names
        else pa.nulls(table.num_rows, _arrow_type(column))
        for column in columns
    ]
    yield from pa.table(dict(zip([column.name for column in columns], arrays, strict=True))).to_batches()


def _table(data: Any) -> Any:
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if hasattr(data, "columns") and hasattr(data, "to_numpy"):
        # Column by column: one of several kinds must not cost the others.
        data = dict(data.items())
    if isinstance(data, Mapping):
        arrays = {str(name): _array(values) for name, values in data.items()}
        if len({len(array) for array in arrays.values()}) > 1:
            told = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
            raise UsageError(f"the columns have different numbers of rows: {told}. Give each the same.")
        return pa.table(arrays)
    raise UsageError(
        f"a {type(data).__name__} has no columns that can be monitored. "
        "Give an Arrow table, a DataFrame, or a dict of lists or arrays by name."
    )


def _array(values: Any) -> Any:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        # Of several kinds, or bytes and text: each as its text.
        items = np.asarray(values, object).ravel().tolist()
        return pa.array([None if item is None else _text(item) for item in items], pa.large_string())


def _text(item: Any) -> str:
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)


def _arrow_type(column: Column) -> Any:
    return pa.float64() if column.type in _COUNTED_AS_FLOATS else _TYPES[column.type]


def _converted(values: Any, column: Column) -> Any:
    wanted = _arrow_type(column)
    if values.type == wanted or (column.type is ColumnType.STRING and pa.types.is_dictionary(values.type)):
        return values
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    try:
        return values.cast(wanted, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return _converted_singly(values, wanted)


def _converted_singly(values: Any, wanted: Any) -> Any:
    """Convert each different value by itself: one that does not fit must not cost the others."""
    if pa.types.is_nested(values.type):
        return pa.nulls(len(values), wanted)
    encoded = pc.dictionary_encode(values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values)
    known = pa.concat_arrays([_one(item, wanted) for item in encoded.dictionary] or [pa.nulls(0, wanted)])
    return known.take(encoded.indices)


def _one(item: Any, wanted: Any) -> Any:
    try:
        return pa.array([item.as_py()], item.type).cast(wanted, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(1, wanted)
