"""One value to the type that an input takes, or the words for why it does not fit."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import decimal
import json
import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any


class MisfitError(Exception):
    """A value that an input cannot take; the message goes on after the value's path."""


Converter = Callable[[Any], Any]

# Python refuses to print the longest ones.
_LONGEST_INTEGER_BITS = 1000


def converter(dtype: str, *, missing_is_nan: bool, optional: bool = False) -> Converter:
    """Return the function that makes values for an input of a TensorFlow dtype.

    Args:
        dtype: as in `TensorSpec`.
        missing_is_nan: None and pandas's own missing values become NaN where floats go, as in a DataFrame's column.
        optional: they become what stands for a missing value, whatever the dtype.
    """
    if optional:
        convert, stand_in = converter(dtype, missing_is_nan=False), missing_value(dtype)
        return lambda value: stand_in if is_missing(value) else convert(value)
    if dtype == "string":
        return _to_string
    if dtype == "bool":
        return _to_bool
    if "int" in dtype:
        low, high = integer_range(dtype)
        return lambda value: _to_integer(value, low, high, dtype)
    if dtype.startswith(("float", "bfloat")):
        return lambda value: math.nan if missing_is_nan and is_missing(value) else _to_float(value, dtype)
    return lambda value: _refuse(f"a {dtype} value, which cannot be sent", value)


def missing_value(dtype: str) -> Any:
    """Return what stands for a missing value in an optional input."""
    if dtype == "string":
        return ""
    return integer_range(dtype)[0] if "int" in dtype else math.nan


def is_missing(value: Any) -> bool:
    """Say whether it is None, NaN, NaT or pandas's NA."""
    value = plain(value)
    return value is None or _is_missing(value)


def integer_range(dtype: str) -> tuple[int, int]:
    """Return the smallest and the largest value of an integer dtype."""
    bits = int(dtype.lstrip("uint"))
    return (0, 2**bits - 1) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def told(value: object) -> str:
    """Return a value as an error shows it, in JSON's spelling where there is one."""
    value = plain(value)
    if value is None:
        return "null"
    if _is_missing(value):
        return "a missing value" if not isinstance(value, float) else "NaN"
    if isinstance(value, int) and value.bit_length() > _LONGEST_INTEGER_BITS:
        return "a number of hundreds of digits"
    if isinstance(value, bool | int | float | str):
        text = json.dumps(value, ensure_ascii=False)
        return text if len(text) <= 40 else f"{text[:37]}..."
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return "an object"
    return f"{type(value).__name__} {str(value)!r:.40}"


def _to_float(value: Any, dtype: str) -> float:
    value = plain(value)
    if not isinstance(value, numbers.Real | decimal.Decimal):
        raise _misfit("a number", value)
    try:
        return float(value)
    except OverflowError:
        raise MisfitError(f"{told(value)} is out of the range of {dtype}") from None


def _to_integer(value: Any, low: int, high: int, dtype: str) -> int:
    value = plain(value)
    is_number = isinstance(value, numbers.Real | decimal.Decimal)
    # An integer may be too long for `isfinite`.
    is_whole = isinstance(value, int) or (is_number and math.isfinite(value) and value == math.trunc(value))
    if not is_whole:
        raise _misfit("a whole number", value)
    whole: int = math.trunc(value)
    if not low <= whole <= high:
        raise MisfitError(f"{told(whole)} is out of the range of {dtype}")
    return whole


def _to_bool(value: Any) -> bool:
    value = plain(value)
    if isinstance(value, numbers.Real) and value in {0, 1}:
        return bool(value)
    raise _misfit("true or false", value)


def _to_string(value: Any) -> str | bytes:
    value = plain(value)
    if isinstance(value, str) and not is_text(value):
        raise MisfitError("it has half a surrogate pair, which is no text")
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, dt.date | dt.time) and not _is_missing(value):
        return value.isoformat()
    if isinstance(value, Mapping) and value.keys() == {"b64"}:
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise MisfitError('"b64" does not hold base64 text') from None
    raise _misfit("a string", value)


def is_text(value: str) -> bool:
    """Say whether it can be written as UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain(value: Any) -> Any:
    """Python's own value for numpy's."""
    return value.tolist() if type(value).__module__ == "numpy" and hasattr(value, "tolist") else value


def _is_missing(value: Any) -> bool:
    """NaN, NaT and pandas's NA: what does not equal itself."""
    try:
        return not isinstance(value, list | tuple | Mapping) and not bool(value == value)  # noqa: PLR0124
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"


def _misfit(expected: str, value: object) -> MisfitError:
    return MisfitError(f"expected {expected}, got {told(value)}")


def _refuse(expected: str, value: object) -> Any:
    raise _misfit(expected, value)
