"""CSV: blocks of whole rows through Arrow's parser, and row by row where a block has a bad one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from mlmagic.preprocessing.reading.batch import BATCH_ROWS, RawBatch
from mlmagic.preprocessing.reading.convert import is_in_calendar
from mlmagic.preprocessing.reading.delimited_rows import (
    convert_options,
    parse_options,
    read_slowly,
    read_texts,
    reading_options,
)
from mlmagic.preprocessing.reading.lines import Lines
from mlmagic.preprocessing.reading.rejections import Rejection
from mlmagic.preprocessing.reading.rows import find_rows
from mlmagic.preprocessing.reading.source import READ_TYPES, Layout, Piece, Source
from mlmagic.preprocessing.reading.text import BOM, text_blocks
from mlmagic.spec.dataset import ColumnType


def read_delimited(source: Source, piece: Piece) -> Iterator[RawBatch]:
    """Read a piece of a CSV file. The quick way and the other give the same rows."""
    quick = _Quick(source, piece.layout)
    lines = Lines(piece)
    for block in text_blocks(piece):
        rejected: tuple[Rejection, ...] = ()
        batch = None if block.is_broken else quick.read(block.data)
        if batch is None:
            batch, rejected = read_slowly(source, piece, block, lines)
        lines.pass_by(block)
        for start in range(0, max(1, batch.num_rows), BATCH_ROWS):
            part = batch.slice(start, BATCH_ROWS)
            yield RawBatch(path=piece.path, batch=part, rejected=rejected, bytes_done=0 if start else block.size)
            rejected = ()


class _Quick:
    """Arrow's parser with the wanted types: for blocks without a bad row."""

    def __init__(self, source: Source, layout: Layout) -> None:
        self._source = source
        self._layout = layout
        self._is_ready = False
        self._forms: dict[str, pa.DataType] = {}
        """How the times in the file are read: as they are written in its first rows."""

    def read(self, data: bytes) -> pa.RecordBatch | None:
        """Return all rows of the block; None if one of them may be bad."""
        if not data:
            return pa.RecordBatch.from_pylist([], self._source.schema)
        count = rows_with_quotes(data, self._layout) if b'"' in data else None
        if count == 0 or BOM in data:
            return None
        try:
            if not self._is_ready:
                self._look_at_times(data)
            table = pacsv.read_csv(
                pa.BufferReader(data), self._read_options, self._parse_options, self._convert_options
            )
            return self._finished(table, has_quotes=count is not None) if count in {None, table.num_rows} else None
        except pa.ArrowInvalid:
            return None

    def _finished(self, table: pa.Table, *, has_quotes: bool) -> pa.RecordBatch | None:
        arrays = []
        for column in self._source.columns:
            array = table.column(column.name).combine_chunks()
            if column.type is ColumnType.TIMESTAMP:
                array = _utc(array)
            if column.type in {ColumnType.TIMESTAMP, ColumnType.DATE} and not is_in_calendar(array):
                return None
            # 1e999 is not infinite, and only the other way tells it from what is.
            if column.type is ColumnType.FLOAT and pc.any(pc.is_inf(array)).as_py():
                return None
            # A quoted "nan" may be one of the texts that mean a missing value, which Arrow knows without quotes only.
            if column.type is ColumnType.FLOAT and has_quotes and pc.any(pc.is_nan(array)).as_py():
                return None
            arrays.append(array)
        return pa.RecordBatch.from_arrays(arrays, schema=self._source.schema)

    def _look_at_times(self, data: bytes) -> None:
        times = [column.name for column in self._source.columns if column.type is ColumnType.TIMESTAMP]
        if times:
            end = data.find(b"\n", 1 << 14) + 1
            head = data[: end or len(data)]
            rows = head if b'"' not in head or rows_with_quotes(head, self._layout) else data
            table = read_texts(rows, self._layout, self._source.options.null_values)
            self._forms = {name: _form(table.column(name).drop_null()) for name in times}
        self._is_ready = True

    @cached_property
    def _read_options(self) -> pacsv.ReadOptions:
        return reading_options(self._layout.names)

    @cached_property
    def _parse_options(self) -> pacsv.ParseOptions:
        return parse_options(self._layout)

    @cached_property
    def _convert_options(self) -> pacsv.ConvertOptions:
        types = {column.name: self._forms.get(column.name, READ_TYPES[column.type]) for column in self._source.columns}
        return convert_options(types, self._source.options.null_values)


def rows_with_quotes(data: bytes, layout: Layout) -> int:
    """Return how many rows a block has; 0 if one has a quote that is not closed."""
    rows = find_rows(data, layout.delimiter, multiline=layout.is_multiline, is_last=True, fields=len(layout.names))
    if rows.unclosed.any():
        return 0
    return len(rows.starts) if len(layout.names) == 1 else int((rows.starts < rows.stops).sum())


def _form(values: pa.ChunkedArray) -> pa.DataType:
    text = values[0].as_py() if len(values) else "0"
    if re.fullmatch(r".*:.*([+-][0-9]{2}(:?[0-9]{2})?|[0-9]Z)", text):
        return pa.timestamp("us", "UTC")
    return pa.timestamp("us") if text[-1:].isdecimal() else pa.string()


def _utc(array: pa.Array) -> pa.Array:
    """The times in UTC, without a zone.

    Raises:
        pa.ArrowInvalid: they are text, and not all of the form `2013-05-01 12:00:00 UTC`.
    """
    if not pa.types.is_string(array.type):
        return array.cast(pa.timestamp("us"))
    if not pc.all(pc.ends_with(array, " UTC")).as_py():
        raise pa.ArrowInvalid("another form")
    return pc.binary_slice(array.cast(pa.binary()), 0, -4).cast(pa.string()).cast(pa.timestamp("us"))
