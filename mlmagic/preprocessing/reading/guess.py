"""The type of a column of text, guessed from a sample."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from mlmagic.preprocessing.reading.convert import DATE, INFINITE, NOT_A_NUMBER, NUMBER, TIME, WHOLE
from mlmagic.preprocessing.reading.types import Types
from mlmagic.spec.dataset import ColumnType

TOLERATED = 0.1
"""Such a part of the values may be of another type: their rows are rejected, and the limit for these decides."""

_ANY_NUMBER = f"{NUMBER}|{INFINITE}|{NOT_A_NUMBER}"
_CODE = r"^[+-]?0[0-9]"
"""A number with leading zeros is a code: as a number it would lose them."""
_TRUTH = r"^(true|false|True|False|TRUE|FALSE)$"
_ZONED = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)? ?(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)$"
)


def type_of_texts(values: pa.Array, null_values: Sequence[str] = ()) -> ColumnType:
    """Return the narrowest type that nearly all values have; text if there is none, and for a column of codes."""
    values = pc.utf8_trim(values.drop_null(), " \t")
    numbers = _count(values, _ANY_NUMBER)
    if numbers < len(values):
        # In quotes, what stands for a missing value is still there.
        values = values.filter(pc.invert(pc.is_in(values, pa.array(null_values, pa.string()))))
        numbers = _count(values, _ANY_NUMBER)
    enough = len(values) * (1 - TOLERATED)
    if not len(values):
        return ColumnType.STRING
    if numbers >= enough:
        return ColumnType.STRING if _count(values, _CODE) else _number(values, numbers, enough)
    dates, times = _count(values, DATE), _count(values, f"{TIME}|{_ZONED}")
    if dates >= enough and not times:
        return ColumnType.DATE
    if dates + times >= enough:
        return ColumnType.TIMESTAMP
    return ColumnType.BOOLEAN if _count(values, _TRUTH) >= enough else ColumnType.STRING


def looks_like_data(names: Types) -> bool:
    """Whether the names in a header are values of the columns' types, and not all of them are text."""
    if not _count(pa.array(names, pa.string()), f"{_ANY_NUMBER}|{DATE}|{TIME}|{_ZONED}|{_TRUTH}"):
        return False
    kinds = {name: type_of_texts(pa.array([name])) for name in names}
    is_number = {ColumnType.INTEGER, ColumnType.FLOAT}
    return any(kind is not ColumnType.STRING for kind in kinds.values()) and all(
        kinds[name] is kind or {kinds[name], kind} <= is_number for name, kind in names.items()
    )


def _number(values: pa.Array, numbers: int, enough: float) -> ColumnType:
    whole = values.filter(pc.match_substring_regex(values, WHOLE))
    if len(whole) < numbers:
        return ColumnType.FLOAT
    long = whole.filter(pc.greater(pc.utf8_length(whole), 18)).to_pylist()
    beyond = sum(len(text) > 20 or not -(2**63) <= int(text) < 2**63 for text in long)
    # Numbers so long are names of things; as floats, many would become the same.
    return ColumnType.INTEGER if len(whole) - beyond >= enough else ColumnType.STRING


def _count(values: pa.Array, pattern: str) -> int:
    return pc.sum(pc.match_substring_regex(values, pattern)).as_py() or 0
