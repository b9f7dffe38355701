"""A unit of the input, as batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mlmagic.preprocessing.reading.batch import RawBatch
from mlmagic.preprocessing.reading.delimited import read_delimited
from mlmagic.preprocessing.reading.json_lines import read_json_lines
from mlmagic.preprocessing.reading.options import Format
from mlmagic.preprocessing.reading.parquet import read_parquet
from mlmagic.preprocessing.reading.source import Piece, Source, Unit
from mlmagic.preprocessing.reading.tfrecord import read_tfrecord

_READERS: dict[Format, Callable[[Source, Piece], Iterator[RawBatch]]] = {
    Format.CSV: read_delimited,
    Format.JSONL: read_json_lines,
    Format.PARQUET: read_parquet,
    Format.TFRECORD: read_tfrecord,
}


def read_unit(source: Source, unit: Unit) -> Iterator[RawBatch]:
    """Read the pieces of a unit in batches of at most 65,536 rows. A bad row is rejected, never an exception.

    Raises:
        UsageError: a file that cannot be read, is truncated, or is damaged so that rows cannot be told apart.
    """
    for piece in unit.pieces:
        yield from _READERS[source.format](source, piece)
