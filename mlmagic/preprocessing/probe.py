"""Which columns the cleaned rows have, found by cleaning the first rows before the run begins."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from mlmagic.errors import UsageError
from mlmagic.preprocessing.clean import Cleaner, FailedRow
from mlmagic.preprocessing.normal import column_types
from mlmagic.preprocessing.reading.options import Format
from mlmagic.preprocessing.reading.reader import read_unit
from mlmagic.preprocessing.reading.source import Source
from mlmagic.spec.dataset import Column, ColumnType

ROWS = 4096
"""How many rows are cleaned at a time. How the input is divided into units makes no difference to what is found."""
MOST_ROWS = 16 * ROWS


def probe_columns(source: Source, cleaner: Cleaner) -> tuple[Column, ...]:
    """Return the columns of the cleaned rows.

    Raises:
        UsageError: `clean` returns what cannot be in a dataset, or no row is left to tell.
    """
    types: dict[str, ColumnType | None] = {}
    failed: list[FailedRow] = []
    seen = 0
    for batch in _first_rows(source):
        seen += batch.num_rows
        cleaned = cleaner(batch)
        failed += cleaned.failed[:5]
        if cleaned.batch is not None:
            for name, found in _types_of(cleaned.batch, source).items():
                types[name] = types.get(name) or found
        if types and None not in types.values():
            break
    if not types:
        raise UsageError(
            f"None of the first {seen:,} rows is left, so the columns of the dataset are not known.",
            problems=list(dict.fromkeys(row.message for row in failed))[:5],
        )
    return tuple(Column(name=name, type=found or _type_in(source, name)) for name, found in types.items())


def _first_rows(source: Source) -> Iterator[pa.RecordBatch]:
    """Yield the first rows in batches of a size that depends on the rows alone; of a table elsewhere, an empty one."""
    if source.format is Format.BIGQUERY:
        yield pa.RecordBatch.from_pylist([], schema=source.schema)
        return
    waiting: list[pa.RecordBatch] = []
    count = taken = 0
    for unit in source.units:
        for raw in read_unit(source, unit):
            if raw.batch.num_rows == 0:
                continue
            waiting.append(raw.batch)
            count += raw.batch.num_rows
            while count >= ROWS:
                table = pa.Table.from_batches(waiting)
                yield from _single(table.slice(0, ROWS))
                waiting, count, taken = table.slice(ROWS).to_batches(), count - ROWS, taken + ROWS
                if taken >= MOST_ROWS:
                    return
    if count or not taken:
        yield from _single(pa.Table.from_batches(waiting)) if waiting else ()


def _single(table: pa.Table) -> Iterator[pa.RecordBatch]:
    yield from table.unify_dictionaries().combine_chunks().to_batches()


def _types_of(batch: pa.RecordBatch, source: Source) -> dict[str, ColumnType | None]:
    types = column_types(batch.schema)
    for name, found in types.items():
        # pandas makes times of dates.
        is_date = found is ColumnType.TIMESTAMP and _type_in(source, name) is ColumnType.DATE
        if (
            is_date
            and pc.all(pc.equal(batch.column(name), pc.floor_temporal(batch.column(name), unit="day"))).as_py()
            is not False
        ):
            types[name] = ColumnType.DATE
    return types


def _type_in(source: Source, name: str) -> ColumnType:
    """Return the type of a column that has no value in the first rows."""
    return next((column.type for column in source.columns if column.name == name), ColumnType.STRING)
