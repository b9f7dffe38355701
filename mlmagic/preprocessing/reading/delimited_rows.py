"""CSV row by row: every column as text first, so that each bad row is found, and every good one kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from mlmagic.preprocessing.reading.batch import typed
from mlmagic.preprocessing.reading.convert import FALSE, TRUE
from mlmagic.preprocessing.reading.lines import Lines
from mlmagic.preprocessing.reading.rejections import TEXT_LENGTH, Fault, Rejection
from mlmagic.preprocessing.reading.rows import find_rows
from mlmagic.preprocessing.reading.source import Layout, Piece, Source
from mlmagic.preprocessing.reading.text import BOM, Block
from mlmagic.spec.dataset import ColumnType

_UNCLOSED = ("a quote is not closed",) * 2
_TOO_LONG = ("longer than 64 MB",) * 2


def read_slowly(
    source: Source, piece: Piece, block: Block, lines: Lines
) -> tuple[pa.RecordBatch, tuple[Rejection, ...]]:
    """Return the good rows of a block, and the others."""
    rows = _Slow(block, piece.layout)
    batch = rows.read(source)
    rejected = tuple(
        Rejection(piece.path, block.offset + start, reason, told, rows.text(start, stop), line)
        for start, stop, (reason, told), line in lines.numbered(block, rows.rejected())
    )
    return batch, rejected


class _Slow:
    """The rows of one block, each good or with what is wrong with it."""

    def __init__(self, block: Block, layout: Layout) -> None:
        self._data = block.data
        self._layout = layout
        self._faults: dict[int, Fault] = {}
        count = len(layout.names)
        if block.is_broken:
            self._starts, self._stops = np.array([0]), np.array([len(block.data)])
            self._faults[0] = _TOO_LONG
        else:
            rows = find_rows(block.data, layout.delimiter, multiline=layout.is_multiline, is_last=True, fields=count)
            self._starts, self._stops = rows.starts, rows.stops
            self._faults.update(dict.fromkeys(np.flatnonzero(rows.unclosed).tolist(), _UNCLOSED))
        # A blank line is no row, unless there is only one column: then it is one that lacks its value.
        self._is_blank = (self._starts == self._stops) & (count > 1)

    def read(self, source: Source) -> pa.RecordBatch:
        """Return the good rows."""
        self._reject_undecodable()
        null_values = source.options.null_values
        table = self._table(null_values)
        kept = self._kept()
        if table.num_rows != len(kept):
            raise AssertionError(f"{len(kept)} rows became {table.num_rows}")
        missing = pa.array(null_values, pa.string())
        arrays = []
        for column in source.columns:
            array = table.column(column.name).combine_chunks()
            if column.type is not ColumnType.STRING:  # there, a quoted "" is missing, too
                array = pc.if_else(pc.is_in(array, missing), pa.scalar(None, pa.string()), array)
            arrays.append(array)
        batch, faults = typed(source, arrays)
        self._faults.update({int(kept[row]): (reason, told) for row, reason, told in faults})
        return batch

    def rejected(self) -> Iterator[tuple[int, int, Fault]]:
        """Yield the others: where they start and stop, and why."""
        for row in sorted(self._faults):
            yield int(self._starts[row]), int(self._stops[row]), self._faults[row]

    def text(self, start: int, stop: int) -> str:
        """Return a row as it stands in the file."""
        return self._data[start:stop][:TEXT_LENGTH].decode("utf-8", "backslashreplace")

    def _kept(self) -> np.ndarray:
        keep = ~self._is_blank
        keep[list(self._faults)] = False
        return np.flatnonzero(keep)

    def _reject_undecodable(self) -> None:
        try:
            self._data.decode()
        except UnicodeDecodeError:
            foreign = np.flatnonzero(np.frombuffer(self._data, np.uint8) >= 0x80)
            for row in np.unique(np.searchsorted(self._starts, foreign, side="right") - 1).tolist():
                try:
                    self._data[self._starts[row] : self._stops[row]].decode()
                except UnicodeDecodeError as error:
                    byte = error.object[error.start]
                    self._faults.setdefault(row, ("not UTF-8", f"not UTF-8: byte 0x{byte:02x}"))

    def _table(self, null_values: Sequence[str]) -> pa.Table:
        """Return the rows of the right number of fields, every column as text."""
        kept = self._kept()
        text = self._data
        if self._faults or BOM in text:
            spans = zip(self._starts[kept].tolist(), self._stops[kept].tolist(), strict=True)
            # Files that were put together bring their byte order marks along.
            text = b"".join([text[start:stop].removeprefix(BOM) + b"\n" for start, stop in spans])
        if not text:
            return pa.table({name: pa.array([], pa.string()) for name in self._layout.names})
        bad: list[tuple[int, int]] = []
        table = read_texts(text, self._layout, null_values, bad)
        expected = len(self._layout.names)
        for number, fields in bad:
            told = f"{fields} field{'s' if fields != 1 else ''} instead of {expected}"
            self._faults[int(kept[number])] = (f"not {expected} fields", told)
        return table


def read_texts(
    data: bytes, layout: Layout, null_values: Sequence[str], bad: list[tuple[int, int]] | None = None
) -> pa.Table:
    """Parse whole rows, every column as text.

    Rows of another number of fields are left out and noted in `bad`: which row it is, and how many it has.
    """
    skipped = [] if bad is None else bad

    def skip(row: pacsv.InvalidRow) -> str:
        skipped.append((row.number - 1, row.actual_columns))
        return "skip"

    types = dict.fromkeys(layout.names, pa.string())
    options = convert_options(types, null_values)
    return pacsv.read_csv(pa.BufferReader(data), reading_options(layout.names), parse_options(layout, skip), options)


def reading_options(names: Sequence[str]) -> pacsv.ReadOptions:
    """Return how Arrow reads a block: in one go."""
    return pacsv.ReadOptions(use_threads=False, block_size=(1 << 31) - 1, column_names=list(names))


def parse_options(layout: Layout, handler: Callable[[pacsv.InvalidRow], str] | None = None) -> pacsv.ParseOptions:
    """Return how Arrow tells fields apart."""
    return pacsv.ParseOptions(
        delimiter=layout.delimiter,
        newlines_in_values=True,
        ignore_empty_lines=len(layout.names) > 1,
        invalid_row_handler=handler,
    )


def convert_options(types: Mapping[str, pa.DataType], null_values: Sequence[str]) -> pacsv.ConvertOptions:
    """Return how Arrow makes values of texts."""
    return pacsv.ConvertOptions(
        column_types=dict(types),
        include_columns=list(types),
        null_values=list(null_values),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=list(TRUE),
        false_values=list(FALSE),
    )
