"""The nouns of a plan: which files are read, as what, and in which portions."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from mlmagic.preprocessing.reading.options import Format, ReadOptions
from mlmagic.spec.dataset import Column, ColumnType, InputFile

READ_TYPES = {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.FLOAT: pa.float64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.STRING: pa.string(),
    ColumnType.TIMESTAMP: pa.timestamp("us"),
    ColumnType.DATE: pa.date32(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file is laid out; files that are laid out alike share one."""

    names: tuple[str, ...] = ()
    """Of its columns, in its own order. Empty where each row names its own."""
    delimiter: str = ","
    is_compressed: bool = False
    is_multiline: bool = False
    """There are line breaks inside of quotes, so its rows can be told apart only from the beginning on."""

    @property
    def is_splittable(self) -> bool:
        """Whether reading may begin in the middle."""
        return not (self.is_compressed or self.is_multiline)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a file that holds whole rows."""

    path: str
    start: int
    """The first byte; of a Parquet file, the first row group."""
    stop: int
    """The byte, or the row group, after the last."""
    size: int
    """Bytes of the file that this is. Those of all pieces of a file add up to its size."""
    layout: Layout = field(default_factory=Layout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What one worker reads at a time. Units are about equally large, so that shards are."""

    index: int
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return sum(piece.size for piece in self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The whole input, as one table."""

    format: Format
    columns: tuple[Column, ...]
    options: ReadOptions = field(default_factory=ReadOptions)
    units: tuple[Unit, ...] = ()
    files: tuple[InputFile, ...] = ()
    reference: str | None = None
    """In BigQuery: the table or the query."""

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.size_bytes for file in self.files)

    @property
    def schema(self) -> pa.Schema:
        """What the batches have that are read."""
        return pa.schema([pa.field(column.name, READ_TYPES[column.type]) for column in self.columns])
