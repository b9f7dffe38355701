"""Rows as DataFrames."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlmagic.errors import MissingDependencyError

if TYPE_CHECKING:
    import pandas as pd


def frame_of(rows: Sequence[Mapping[str, Any]], *, numeric: Collection[str] = ()) -> pd.DataFrame:
    """Return a DataFrame with a column for each key. Those in `numeric` become numbers if all their texts are.

    Raises:
        MissingDependencyError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError:
        raise MissingDependencyError("a DataFrame needs pandas.", hint="Install it: %pip install pandas") from None
    columns = list(dict.fromkeys(name for row in rows for name in row))
    frame = pd.DataFrame([{name: row.get(name) for name in columns} for row in rows], columns=columns)
    for name in columns:
        if name in numeric:
            frame[name] = _numbers(list(frame[name]))
    return frame


def _numbers(values: list[Any]) -> list[Any]:
    try:
        return [None if value is None else _number(value) for value in values]
    except ValueError:
        return values


def _number(value: Any) -> float:
    if not isinstance(value, str):
        return float(value)
    try:
        return int(value)
    except ValueError:
        return float(value)
