"""Files of predictions: written shard by shard, and put together where one file is wanted."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import orjson
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from mlmagic.preprocessing.reading.options import Format

_COPIED = 1 << 24


class Writer(Protocol):
    """Writes one file."""

    def write(self, table: pa.Table) -> None:
        """Append rows, with the columns of the schema."""
        ...

    def close(self) -> None:
        """Write what is left, down to the disk."""
        ...


def open_writer(
    path: Path, schema: pa.Schema, kind: Format, *, has_header: bool = True, json_columns: Collection[str] = ()
) -> Writer:
    """Return what writes a new file.

    Args:
        path: of the file.
        schema: its columns.
        kind: its format.
        has_header: CSV begins with the names of the columns.
        json_columns: those whose texts are JSON already.
    """
    if kind is Format.PARQUET:
        return _ParquetWriter(path, schema)
    if kind is Format.JSONL:
        return _JsonWriter(path, schema.names, frozenset(json_columns))
    return _CsvWriter(path, schema.names if has_header else ())


class _CsvWriter:
    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self._file = path.open("wb")
        self._file.write(header_line(header) if header else b"")

    def write(self, table: pa.Table) -> None:
        self._file.write(_csv_text(table))

    def close(self) -> None:
        _close(self._file)


class _JsonWriter:
    def __init__(self, path: Path, names: Sequence[str], json_columns: frozenset[str]) -> None:
        self._file = path.open("wb")
        self._names = names
        self._json = json_columns

    def write(self, table: pa.Table) -> None:
        columns = [self._values(name, table.column(name)) for name in self._names]
        names = self._names
        dumps, option = orjson.dumps, orjson.OPT_APPEND_NEWLINE
        self._file.writelines(
            dumps(dict(zip(names, row, strict=True)), option=option) for row in zip(*columns, strict=True)
        )

    def _values(self, name: str, column: pa.ChunkedArray) -> list[Any]:
        if name in self._json:
            return [None if text is None else orjson.Fragment(text) for text in column.to_pylist()]
        if column.type == pa.float32():
            # So that 0.1 stays 0.1, and does not become 0.10000000149011612.
            column = column.cast(pa.string()).cast(pa.float64())
        values: list[Any] = column.to_pylist()
        return values

    def close(self) -> None:
        _close(self._file)


class _ParquetWriter:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = path.open("wb")
        self._writer = pq.ParquetWriter(self._file, schema, compression="zstd")

    def write(self, table: pa.Table) -> None:
        if table.num_rows:
            self._writer.write_table(table)

    def close(self) -> None:
        self._writer.close()
        _close(self._file)


def header_line(names: Sequence[str]) -> bytes:
    """Return the names of columns as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(names)
    return text.getvalue().encode()


def _csv_text(table: pa.Table) -> pa.Buffer:
    try:
        return _written(table, "none")
    except pa.ArrowInvalid:
        # Some text has a comma, a quote or a line break in it: then Arrow puts all texts into quotes.
        return _written(table, "needed")


def _written(table: pa.Table, quoting: str) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    pacsv.write_csv(table, sink, pacsv.WriteOptions(include_header=False, quoting_style=quoting))
    return sink.getvalue()


def _close(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()


def join_shards(shards: Sequence[Path], path: Path, schema: pa.Schema, kind: Format) -> None:
    """Write the rows of all shards, in their order, into one new file; shards of CSV have no header."""
    if kind is Format.PARQUET:
        writer = _ParquetWriter(path, schema)
        for shard in shards:
            with pq.ParquetFile(shard) as file:
                for group in range(file.num_row_groups):
                    writer.write(file.read_row_group(group))
        writer.close()
        return
    with path.open("wb") as file:
        file.write(header_line(schema.names) if kind is Format.CSV else b"")
        for shard in shards:
            with shard.open("rb") as part:
                shutil.copyfileobj(part, file, _COPIED)
        file.flush()
        os.fsync(file.fileno())
