"""Rows that name their columns themselves, as JSON objects and Examples do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import pyarrow as pa

from mlmagic.errors import UsageError
from mlmagic.preprocessing.reading.batch import typed
from mlmagic.preprocessing.reading.guess import TOLERATED, type_of_texts
from mlmagic.preprocessing.reading.json_rows import Literal, is_nested
from mlmagic.preprocessing.reading.options import ReadOptions
from mlmagic.preprocessing.reading.rejections import Fault
from mlmagic.preprocessing.reading.source import Source
from mlmagic.preprocessing.reading.types import Types
from mlmagic.spec.dataset import ColumnType

ValueText = Callable[[object, Sequence[str]], str | None]
"""A value as text, and what stands for a missing one."""

_TIMES = {ColumnType.TIMESTAMP, ColumnType.DATE}


class Members:
    """The columns of a sample of rows."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._values: dict[str, list[object]] = {}

    def add(self, row: Mapping[str, object]) -> None:
        """Look at a row."""
        for name, value in row.items():
            self._values.setdefault(name, []).append(value)

    @property
    def width(self) -> int:
        """How many columns there are so far."""
        return len(self._values)

    def types(self, path: str) -> Types:
        """Return the columns in the order in which they showed up; then those that only the user names.

        Raises:
            UsageError: there are none, or some hold nested values.
        """
        wanted = self._options.types
        nested = [
            name
            for name, values in self._values.items()
            if name not in wanted and sum(map(is_nested, values)) > TOLERATED * len(values)
        ]
        if nested:
            raise UsageError(
                "Some columns hold lists or objects, which a dataset cannot.",
                problems=nested,
                hint=f"With --types {nested[0]}=string they are kept as text in JSON.",
            )
        types = {name: wanted.get(name) or self._type(values) for name, values in self._values.items()}
        types.update({name: kind for name, kind in wanted.items() if name not in types})
        if not types:
            raise UsageError(f"{path}: no row names a column")
        return types

    def _type(self, values: Sequence[object]) -> ColumnType:
        values = [value for value in values if value is not None and value not in self._options.null_values]
        numbers = [str(value) for value in values if isinstance(value, Literal)]
        texts = [value for value in values if isinstance(value, str) and not isinstance(value, Literal)]
        enough = (1 - TOLERATED) * len(values)
        if not values:
            return ColumnType.STRING
        if len(numbers) >= enough:
            return type_of_texts(pa.array(numbers, pa.string()))
        if sum(isinstance(value, bool) for value in values) >= enough:
            return ColumnType.BOOLEAN
        # What is written as text stays text, except for times: JSON has no other way to write these.
        kind = type_of_texts(pa.array(texts, pa.string())) if len(texts) >= enough else ColumnType.STRING
        return kind if kind in _TIMES else ColumnType.STRING


def members_batch(
    source: Source, rows: Iterable[Mapping[str, object] | Fault], value_text: ValueText
) -> tuple[pa.RecordBatch, dict[int, Fault]]:
    """Return the good rows, and of each other one its number with what is wrong."""
    null_values = source.options.null_values
    columns: dict[str, list[str | None]] = {column.name: [] for column in source.columns}
    texts = {column.name for column in source.columns if column.type is ColumnType.STRING}
    faults: dict[int, Fault] = {}
    kept = []
    for number, row in enumerate(rows):
        if isinstance(row, tuple):
            faults[number] = row
            continue
        if unknown := [name for name in row if name not in columns]:
            told = f"{unknown[0]} is not a column; --types {unknown[0]}=string would make it one"
            faults[number] = ("a key that is not a column", told)
            continue
        kept.append(number)
        for name, values in columns.items():
            text = value_text(row.get(name), null_values)
            values.append(None if text in null_values and name not in texts else text)
    batch, found = typed(source, [pa.array(values, pa.string()) for values in columns.values()])
    faults.update({kept[row]: (reason, told) for row, reason, told in found})
    return batch, faults
