"""Values to the type of their column; those that have no such value are told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlmagic.preprocessing.reading.source import READ_TYPES
from mlmagic.spec.dataset import ColumnType

Mask = np.ndarray
"""Of booleans, one for each value."""

TRUE = tuple(
    form for word in ("true", "t", "yes", "y", "1") for form in dict.fromkeys((word, word.title(), word.upper()))
)
FALSE = tuple(
    form for word in ("false", "f", "no", "n", "0") for form in dict.fromkeys((word, word.title(), word.upper()))
)

WHOLE = r"^[+-]?[0-9]+$"
HEXADECIMAL = r"^-?0[xX][0-9a-fA-F]+$"
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
INFINITE = r"(?i)^[+-]?(inf|infinity)$"
NOT_A_NUMBER = r"(?i)^[+-]?nan$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}(:[0-9]{2}){0,2}(\.[0-9]*)?$"
ZONE = r" ?(UTC|GMT|Z)$"
OFFSET = r"^(.*:.*?) ?([+-][0-9]{2}:?([0-9]{2})?)$"

_FAULTS = {
    ColumnType.INTEGER: "not a whole number",
    ColumnType.FLOAT: "not a number",
    ColumnType.BOOLEAN: "not true or false",
    ColumnType.TIMESTAMP: "not a time",
    ColumnType.DATE: "not a date",
    ColumnType.STRING: "not UTF-8",
}


def convert(values: pa.Array, kind: ColumnType) -> tuple[pa.Array, Mask | None]:
    """Return the values as that type, and which of them have none such; those are null. None stands for: all have."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), READ_TYPES[kind]), None
    if is_text(values.type) and kind is not ColumnType.STRING:
        return _FROM_TEXT[kind](values.cast(pa.string()))
    if pa.types.is_timestamp(values.type) and kind in {ColumnType.TIMESTAMP, ColumnType.DATE}:
        # Nanoseconds are cut off; with a zone, the values are in UTC already.
        values = values.cast(pa.timestamp("us", values.type.tz), safe=False).cast(pa.timestamp("us"))
        return _in_calendar(values.cast(READ_TYPES[kind], safe=False), None)
    if kind is ColumnType.INTEGER and pa.types.is_floating(values.type):
        values = _without_nan(values)
    safe = kind is not ColumnType.FLOAT and not pa.types.is_date(values.type)
    return _in_calendar(*cast_or_null(values, READ_TYPES[kind], safe=safe))


def fault(value: object, kind: ColumnType) -> str:
    """Return what is wrong with a value that has none of that type."""
    text = str(value).strip(" \t")
    if kind is ColumnType.INTEGER and text.removeprefix("+").removeprefix("-").isdecimal():
        return "beyond 64 bits"
    if kind is ColumnType.FLOAT and (isinstance(value, int) or text[-1:].isdecimal()) and _is_float(text):
        return "beyond 64 bits"
    if kind in {ColumnType.TIMESTAMP, ColumnType.DATE} and _is_outside_calendar(value, text):
        return "a year outside of 0001-9999"
    return _FAULTS[kind]


def is_text(kind: pa.DataType) -> bool:
    """Whether values of that type are text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def cast_or_null(values: pa.Array, kind: pa.DataType, *, safe: bool = True) -> tuple[pa.Array, Mask | None]:
    """Cast what can be cast, and tell what cannot; quick where that is rare."""
    try:
        return values.cast(kind, safe=safe), None
    except pa.ArrowInvalid:
        parts = list(_cast_parts(values, kind, safe=safe))
    bad = np.concatenate([np.full(len(part), is_bad) for part, is_bad in parts])
    return pa.concat_arrays([part for part, _ in parts]), bad


def _cast_parts(values: pa.Array, kind: pa.DataType, *, safe: bool) -> Iterator[tuple[pa.Array, bool]]:
    try:
        yield values.cast(kind, safe=safe), False
    except pa.ArrowInvalid:
        if len(values) == 1:
            yield pa.nulls(1, kind), True
            return
        half = len(values) // 2
        yield from _cast_parts(values[:half], kind, safe=safe)
        yield from _cast_parts(values[half:], kind, safe=safe)


def _cast_matching(values: pa.Array, kind: pa.DataType, *patterns: str) -> tuple[pa.Array, Mask | None]:
    """Cast the texts that match any of the patterns; so that a column full of others costs no time."""
    fits = pc.match_substring_regex(values, "|".join(patterns))
    array, bad = cast_or_null(_where(fits, values), kind)
    return array, _either(bad, _true(pc.invert(fits)))


def _integers(values: pa.Array) -> tuple[pa.Array, Mask | None]:
    try:
        return values.cast(pa.int64()), None
    except pa.ArrowInvalid:
        values = pc.utf8_trim(values, " \t")
        values = pc.replace_substring_regex(values, r"^([+-]?[0-9]+)\.0*$", r"\1")
        values = pc.replace_substring_regex(values, r"^\+([0-9]+)$", r"\1")
        return _cast_matching(values, pa.int64(), WHOLE, HEXADECIMAL)


def _floats(values: pa.Array) -> tuple[pa.Array, Mask | None]:
    bad = None
    try:
        array = values.cast(pa.float64())
    except pa.ArrowInvalid:
        values = pc.utf8_trim(values, " \t")
        array, bad = _cast_matching(values, pa.float64(), NUMBER, INFINITE, NOT_A_NUMBER)
    infinite = pc.is_inf(array)
    if pc.any(infinite).as_py():
        # 1e999 would become infinite without anybody having said so.
        spelt = pc.match_substring_regex(pc.utf8_trim(values, " \t"), INFINITE)
        bad = _either(bad, _true(pc.and_(infinite, pc.invert(spelt))))
    return _without(array, bad), bad


def _booleans(values: pa.Array) -> tuple[pa.Array, Mask | None]:
    values = pc.utf8_trim(values, " \t")
    array = pc.is_in(values, pa.array(TRUE))
    known = pc.or_(array, pc.is_in(values, pa.array((*FALSE, None))))
    bad = ~known.to_numpy(zero_copy_only=False)
    return _where(pc.and_(known, values.is_valid()), array), bad if bad.any() else None


def _times(values: pa.Array) -> tuple[pa.Array, Mask | None]:
    for form in (_naive, _utc, _zoned):
        try:
            return _in_calendar(form(values), None)
        except pa.ArrowInvalid:
            continue
    values = pc.replace_substring_regex(pc.utf8_trim(values, " \t"), ZONE, "")
    values = pc.replace_substring_regex(values, r"(\.[0-9]{6})[0-9]+", r"\1")
    offset = pc.fill_null(pc.match_substring_regex(values, OFFSET), fill_value=False)
    naive, bad = _cast_matching(_where(pc.invert(offset), values), pa.timestamp("us"), DATE, TIME)
    if not pc.any(offset).as_py():
        return _in_calendar(naive, bad)
    zoned = pc.replace_substring_regex(_where(offset, values), OFFSET, r"\1\2")
    moved, bad_moved = cast_or_null(zoned, pa.timestamp("us", "UTC"))
    return _in_calendar(pc.coalesce(naive, moved.cast(pa.timestamp("us"))), _either(bad, bad_moved))


def _naive(values: pa.Array) -> pa.Array:
    return values.cast(pa.timestamp("us"))


def _utc(values: pa.Array) -> pa.Array:
    if not pc.all(pc.ends_with(values, " UTC")).as_py():
        raise pa.ArrowInvalid("another form")
    return _naive(pc.binary_slice(values.cast(pa.binary()), 0, -4).cast(pa.string()))


def _zoned(values: pa.Array) -> pa.Array:
    return values.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))


def _dates(values: pa.Array) -> tuple[pa.Array, Mask | None]:
    return _in_calendar(*_cast_matching(pc.utf8_trim(values, " \t"), pa.date32(), DATE))


_FROM_TEXT: dict[ColumnType, Callable[[pa.Array], tuple[pa.Array, Mask | None]]] = {
    ColumnType.INTEGER: _integers,
    ColumnType.FLOAT: _floats,
    ColumnType.BOOLEAN: _booleans,
    ColumnType.TIMESTAMP: _times,
    ColumnType.DATE: _dates,
}


def is_in_calendar(array: pa.Array | pa.ChunkedArray) -> bool:
    """Whether all of the times or dates have a year from 1 to 9999: no other has a name in ISO 8601."""
    extremes = pc.min_max(array.cast(pa.int32() if pa.types.is_date(array.type) else pa.int64())).as_py()
    low, high = _calendar(array.type)
    return extremes["min"] is None or (low <= extremes["min"] and extremes["max"] < high)


def _in_calendar(array: pa.Array, bad: Mask | None) -> tuple[pa.Array, Mask | None]:
    if not (pa.types.is_timestamp(array.type) or pa.types.is_date(array.type)) or is_in_calendar(array):
        return array, bad
    low, high = _calendar(array.type)
    numbers = array.cast(pa.int32() if pa.types.is_date(array.type) else pa.int64())
    outside = _true(pc.or_(pc.less(numbers, low), pc.greater_equal(numbers, high)))
    return _without(array, outside), _either(bad, outside)


def _calendar(kind: pa.DataType) -> tuple[int, int]:
    days = date(1, 1, 1).toordinal() - date(1970, 1, 1).toordinal(), date(9999, 12, 31).toordinal() + 1
    low, high = days[0], days[1] - date(1970, 1, 1).toordinal()
    return (low, high) if pa.types.is_date(kind) else (low * 86_400_000_000, high * 86_400_000_000)


def _without_nan(values: pa.Array) -> pa.Array:
    return _where(pc.invert(pc.is_nan(values)), values)


def _where(condition: pa.Array, values: pa.Array) -> pa.Array:
    """Null where the condition is not true."""
    return pc.if_else(condition, values, pa.scalar(None, values.type))


def _without(array: pa.Array, bad: Mask | None) -> pa.Array:
    return array if bad is None else _where(pa.array(~bad), array)


def _true(condition: pa.Array) -> Mask:
    mask: Mask = pc.fill_null(condition, fill_value=False).to_numpy(zero_copy_only=False)
    return mask


def _either(one: Mask | None, other: Mask | None) -> Mask | None:
    masks = [mask for mask in (one, other) if mask is not None and mask.any()]
    return np.logical_or.reduce(masks) if masks else None


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _is_outside_calendar(value: object, text: str) -> bool:
    if not isinstance(value, str):
        return True  # a number or a moment that no calendar has
    year, _, rest = text.partition("-")
    if not (year.isdecimal() and rest):
        return text.startswith("-") and _is_outside_calendar(text[1:], text[1:])
    try:
        datetime.fromisoformat(f"2000-{rest[:5]}").replace(tzinfo=UTC)
    except ValueError:
        return False
    return int(year) == 0 or len(year) > 4
