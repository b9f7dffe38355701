"""CSV: blocks of whole rows through Arrow's parser, and row by row where a block has a bad one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from mlmagic.preprocessing.reading.batch import BATCH_ROWS, RawBatch, typed
from mlmagic.preprocessing.reading.convert import FALSE, TRUE, is_in_calendar
from mlmagic.preprocessing.reading.lines import Lines
from mlmagic.preprocessing.reading.rejections import Rejection
from mlmagic.preprocessing.reading.rows import find_rows, has_open_quotes
from mlmagic.preprocessing.reading.source import READ_TYPES, Layout, Piece, Source
from mlmagic.preprocessing.reading.text import Block, text_blocks
from mlmagic.spec.dataset import ColumnType

_ZONED = pa.timestamp("us", "UTC")


class NotPlain(Exception):  # noqa: N818 - nothing is wrong: the other way is taken
    """The block cannot be read the quick way."""


def read_delimited(source: Source, piece: Piece) -> Iterator[RawBatch]:
    """Read a piece of a CSV file. The quick way and the other give the same rows."""
    quick = _Quick(source, piece.layout)
    lines = Lines(piece)
    for block in text_blocks(piece):
        rejected: tuple[Rejection, ...] = ()
        try:
            if block.is_broken:
                raise NotPlain
            batch = quick.read(block.data)
        except NotPlain:
            batch, rejected = _read_slowly(source, piece, block, lines)
        lines.pass_by(block)
        for start in range(0, max(1, batch.num_rows), BATCH_ROWS):
            part = batch.slice(start, BATCH_ROWS)
            yield RawBatch(path=piece.path, batch=part, rejected=rejected, bytes_done=0 if start else block.size)
            rejected = ()


def read_texts(data: bytes, layout: Layout, null_values: Sequence[str], bad: list[int] | None = None) -> pa.Table:
    """Parse whole rows, every column as text. Rows of another number of fields are noted in `bad`, by their number."""
    skipped = [] if bad is None else bad

    def skip(row: pacsv.InvalidRow) -> str:
        skipped.append(row.number - 1)
        return "skip"

    types = dict.fromkeys(layout.names, pa.string())
    return pacsv.read_csv(
        pa.BufferReader(data),
        _read_options(layout.names),
        pacsv.ParseOptions(
            delimiter=layout.delimiter,
            newlines_in_values=True,
            invalid_row_handler=skip,
            ignore_empty_lines=len(layout.names) > 1,
        ),
        _convert_options(types, null_values),
    )


@dataclass
class _Quick:
    """Arrow's parser with the wanted types."""

    source: Source
    layout: Layout
    forms: Mapping[str, pa.DataType] = field(default_factory=dict)
    """How the times in the file are read: as they are written in its first rows."""

    def read(self, data: bytes) -> pa.RecordBatch:
        """Return all rows of the block.

        Raises:
            NotPlain: one of them may be bad.
        """
        if not data:
            return pa.RecordBatch.from_pylist([], self.source.schema)
        if b'"' in data and has_open_quotes(data, self.layout.delimiter) and not self.layout.is_multiline:
            raise NotPlain
        if self.layout.is_multiline and (b'"' in data):
            rows = find_rows(data, self.layout.delimiter, multiline=True, is_last=True, fields=len(self.layout.names))
            if rows.unclosed.any():
                raise NotPlain
        if not self.forms:
            self.forms = {column.name: self._form(data, column.name) for column in self._times}
        try:
            table = pacsv.read_csv(
                pa.BufferReader(data), self._read_options, self._parse_options, self._convert_options
            )
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise NotPlain from None
        return self._finished(table)

    def _finished(self, table: pa.Table) -> pa.RecordBatch:
        arrays = []
        for column in self.source.columns:
            array = table.column(column.name).combine_chunks()
            if column.type is ColumnType.TIMESTAMP:
                array = _as_time(array)
            if column.type in {ColumnType.TIMESTAMP, ColumnType.DATE} and not is_in_calendar(array):
                raise NotPlain
            # 1e999 is not infinite, and only the other way tells it from what is.
            if column.type is ColumnType.FLOAT and np.isinf(array.to_numpy(zero_copy_only=False)).any():
                raise NotPlain
            arrays.append(array)
        return pa.RecordBatch.from_arrays(arrays, schema=self.source.schema)

    def _form(self, data: bytes, name: str) -> pa.DataType:
        end = data.find(b"\n", 1 << 16)
        head = data if end < 0 else data[: end + 1]
        if has_open_quotes(head, self.layout.delimiter):
            head = data
        try:
            values = read_texts(head, self.layout, self.source.options.null_values).column(name).drop_null()
        except pa.ArrowInvalid:
            raise NotPlain from None
        text = values[0].as_py() if len(values) else ""
        if re.fullmatch(r".*:.*([+-][0-9]{2}(:?[0-9]{2})?|[0-9]Z)", text):
            return _ZONED
        return pa.timestamp("us") if text[-1:].isdecimal() else pa.string()

    @cached_property
    def _times(self) -> list[str]:
        return [column for column in self.source.columns if column.type is ColumnType.TIMESTAMP]

    @cached_property
    def _read_options(self) -> pacsv.ReadOptions:
        return _read_options(self.layout.names)

    @cached_property
    def _parse_options(self) -> pacsv.ParseOptions:
        return pacsv.ParseOptions(
            delimiter=self.layout.delimiter,
            newlines_in_values=self.layout.is_multiline,
            ignore_empty_lines=len(self.layout.names) > 1,
        )

    @cached_property
    def _convert_options(self) -> pacsv.ConvertOptions:
        types = {column.name: self.forms.get(column.name, READ_TYPES[column.type]) for column in self.source.columns}
        return _convert_options(types, self.source.options.null_values)


def _as_time(array: pa.Array) -> pa.Array:
    if not pa.types.is_string(array.type):
        return array.cast(pa.timestamp("us"))
    try:
        if not pc.all(pc.ends_with(array, " UTC")).as_py():
            raise NotPlain
        return pc.binary_slice(array.cast(pa.binary()), 0, -4).cast(pa.string()).cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        raise NotPlain from None


def _read_slowly(
    source: Source, piece: Piece, block: Block, lines: Lines
) -> tuple[pa.RecordBatch, tuple[Rejection, ...]]:
    layout = piece.layout
    faults: dict[int, tuple[str, str]] = {}
    rows = find_rows(
        block.data, layout.delimiter, multiline=layout.is_multiline, is_last=True, fields=len(layout.names)
    )
    spans = list(zip(rows.starts.tolist(), rows.stops.tolist(), strict=True))
    if block.is_broken:
        spans, faults = [(0, len(block.data))], {0: _BROKEN}
    kept = []
    for index, (start, stop) in enumerate(spans):
        if start == stop and len(layout.names) > 1:
            continue
        if not block.is_broken and rows.unclosed[index]:
            faults[index] = _BROKEN
        if index not in faults:
            kept.append(index)
    kept = _decodable(block.data, spans, kept, faults)
    table, kept = _parsed(block.data, spans, kept, faults, source, layout)
    arrays = [table.column(column.name).combine_chunks() for column in source.columns]
    batch, found = typed(source, arrays)
    faults.update({kept[row]: (reason, told) for row, reason, told in found})
    rejected = tuple(
        Rejection(piece.path, block.offset + spans[index][0], *faults[index], _text(block.data, spans[index]), line)
        for index, line in lines.numbered(block, spans, sorted(faults))
    )
    return batch, rejected


_BROKEN = ("a quote is not closed", "a quote is not closed in its line, or the row is longer than 64 MB")
_UNDECODABLE = "not UTF-8"


def _decodable(
    data: bytes, spans: list[tuple[int, int]], rows: list[int], faults: dict[int, tuple[str, str]]
) -> list[int]:
    try:
        data.decode()
    except UnicodeDecodeError:
        for index in rows:
            start, stop = spans[index]
            try:
                data[start:stop].decode()
            except UnicodeDecodeError as error:
                faults[index] = (_UNDECODABLE, f"not UTF-8: byte 0x{data[start + error.start]:02x}")
    return [index for index in rows if index not in faults]


def _parsed(
    data: bytes,
    spans: list[tuple[int, int]],
    rows: list[int],
    faults: dict[int, tuple[str, str]],
    source: Source,
    layout: Layout,
) -> tuple[pa.Table, list[int]]:
    """Return the rows that have the right number of fields, all columns as text, and which they are."""
    if not rows:
        return pa.table({name: pa.array([], pa.string()) for name in layout.names}), []
    bad: list[int] = []
    text = b"".join(data[spans[index][0] : spans[index][1]] + b"\n" for index in rows)
    table = read_texts(text, layout, source.options.null_values, bad)
    told = "another number of fields than {len(layout.names)}"
    for number in bad:
        faults[rows[number]] = ("another number of fields", told)
    kept = [index for index in rows if index not in faults]
    if table.num_rows != len(kept):
        raise AssertionError(f"{len(kept)} rows became {table.num_rows}")
    return table, kept


def _text(data: bytes, span: tuple[int, int]) -> str:
    return data[span[0] : span[1]].decode("utf-8", "backslashreplace")


def _read_options(names: Sequence[str]) -> pacsv.ReadOptions:
    return pacsv.ReadOptions(use_threads=False, block_size=(1 << 31) - 1, column_names=list(names))


def _convert_options(types: Mapping[str, pa.DataType], null_values: Sequence[str]) -> pacsv.ConvertOptions:
    return pacsv.ConvertOptions(
        column_types=dict(types),
        include_columns=list(types),
        null_values=list(null_values),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=list(TRUE),
        false_values=list(FALSE),
    )
