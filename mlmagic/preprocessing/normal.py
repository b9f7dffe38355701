"""The types that cleaned columns have: six, whatever `clean` returned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from mlmagic.errors import UsageError
from mlmagic.spec.dataset import Column, ColumnType

TEXT = pa.dictionary(pa.int32(), pa.string())

ARROW_TYPES = {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.FLOAT: pa.float64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.STRING: TEXT,
    ColumnType.TIMESTAMP: pa.timestamp("us"),
    ColumnType.DATE: pa.date32(),
}

_DAY = 86_400_000_000  # in microseconds


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """Return how the shards hold these columns."""
    return pa.schema([pa.field(column.name, ARROW_TYPES[column.type]) for column in columns])


def column_type(kind: pa.DataType) -> ColumnType | None:
    """Return which of the six a type becomes; None for one without values."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    for test, of_that in _KINDS:
        if test(kind):
            return of_that
    if pa.types.is_null(kind):
        return None
    raise TypeError(f"{kind} is none of the types of a dataset")


_KINDS = (
    (pa.types.is_integer, ColumnType.INTEGER),
    (pa.types.is_floating, ColumnType.FLOAT),
    (pa.types.is_decimal, ColumnType.FLOAT),
    (pa.types.is_boolean, ColumnType.BOOLEAN),
    (pa.types.is_string, ColumnType.STRING),
    (pa.types.is_large_string, ColumnType.STRING),
    (pa.types.is_string_view, ColumnType.STRING),
    (pa.types.is_timestamp, ColumnType.TIMESTAMP),
    (pa.types.is_date, ColumnType.DATE),
)


def column_types(schema: pa.Schema) -> dict[str, ColumnType | None]:
    """Return which of the six types each column becomes; None for one without values.

    Raises:
        UsageError: columns that cannot be in a dataset.
    """
    types: dict[str, ColumnType | None] = {}
    problems = []
    for field in schema:
        if field.name in types:
            problems.append(f"{field.name}: two columns have this name")
        try:
            types[field.name] = column_type(field.type)
        except TypeError:
            problems.append(f"{field.name}: {field.type}{_advice(field.type)}")
    if problems:
        raise UsageError(
            "Some columns cannot be in a dataset.",
            problems=problems,
            hint="Allowed are integers, floats, booleans, text, timestamps and dates; drop or convert others in clean.",
        )
    return types


def conform(batch: pa.RecordBatch, columns: Sequence[Column]) -> pa.RecordBatch:
    """Return the batch with exactly these columns, in their order and types; NaN and "" become missing.

    Raises:
        UsageError: it has other columns, or values that are not of their column's type.
    """
    names = batch.schema.names
    if set(names) != {column.name for column in columns} or len(names) != len(columns):
        raise UsageError(_other_columns(names, [column.name for column in columns]))
    arrays = []
    problems = []
    for column in columns:
        array = batch.column(column.name)
        try:
            arrays.append(_bring(array, column.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, TypeError) as error:
            problems.append(f"{column.name}: {_told(array.type)} where it was {column.type} before ({error})")
    if problems:
        raise UsageError(
            "The rows do not have the same types throughout.",
            problems=problems,
            hint="Convert these columns in clean, such as with `.astype(float)`, or name their types with --types.",
        )
    return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(columns))


def _bring(array: pa.Array, kind: ColumnType) -> pa.Array:
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type) and kind is not ColumnType.STRING:
        array = array.dictionary_decode()
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), ARROW_TYPES[kind])
    found = column_type(array.type)
    match kind, found:
        case ColumnType.STRING, ColumnType.STRING:
            return _text(array)
        case ColumnType.FLOAT, ColumnType.FLOAT | ColumnType.INTEGER:
            return _without_nan(array.cast(pa.float64(), safe=False))
        case ColumnType.INTEGER, ColumnType.INTEGER:
            return array.cast(pa.int64())
        case ColumnType.INTEGER, ColumnType.FLOAT:  # pandas makes floats of integers where some are missing
            return _without_nan(array.cast(pa.float64(), safe=False)).cast(pa.int64())
        case ColumnType.TIMESTAMP, ColumnType.TIMESTAMP | ColumnType.DATE:
            return _moments(array)
        case ColumnType.DATE, ColumnType.DATE:
            return array.cast(pa.date32())
        case ColumnType.DATE, ColumnType.TIMESTAMP:  # pandas has no dates of its own
            return _moments(array).cast(pa.date32())
        case ColumnType.BOOLEAN, ColumnType.BOOLEAN:
            return array
    raise TypeError(f"{array.type} cannot become {kind}")


def _without_nan(array: pa.Array) -> pa.Array:
    nans = pc.is_nan(array)
    return pc.if_else(nans, pa.scalar(None, array.type), array) if pc.any(nans).as_py() else array


def _text(array: pa.Array) -> pa.Array:
    if not pa.types.is_dictionary(array.type):
        array = array.cast(pa.string()).dictionary_encode()
    elif array.type != TEXT or array.dictionary.null_count:
        array = array.cast(pa.dictionary(pa.int32(), array.type.value_type)).dictionary_decode()
        array = array.cast(pa.string()).dictionary_encode()
    is_empty = pc.equal(array.dictionary, "")  # a dictionary may have a text twice
    if not pc.any(is_empty).as_py():
        return array
    codes = pc.if_else(is_empty.take(array.indices), pa.scalar(None, pa.int32()), array.indices)
    return pa.DictionaryArray.from_arrays(codes, array.dictionary)


def _moments(array: pa.Array) -> pa.Array:
    # Nanoseconds are cut off; with a zone, the values are in UTC already.
    return array.cast(pa.timestamp("us", getattr(array.type, "tz", None)), safe=False).cast(pa.timestamp("us"))


def _told(kind: pa.DataType) -> str:
    try:
        return str(column_type(kind) or "no values")
    except TypeError:
        return str(kind)


def _advice(kind: pa.DataType) -> str:
    if pa.types.is_nested(kind):
        return ", a nested type"
    if pa.types.is_duration(kind):
        return ", which seconds can stand for: `.dt.total_seconds()`"
    return ""


def _other_columns(found: Sequence[str], expected: Sequence[str]) -> str:
    missing = [name for name in expected if name not in found]
    added = [name for name in found if name not in expected]
    told = " and ".join(
        part
        for part in (
            f"lacks {', '.join(missing)}" if missing else "",
            f"has {', '.join(added)} in addition" if added else "",
            "has a column twice" if not missing and not added else "",
        )
        if part
    )
    return f"clean has to return the same columns for every batch; one {told} (the first had {', '.join(expected)})."
