"""Parquet files: planned by their footers, read by row groups."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from mlmagic.errors import UsageError
from mlmagic.preprocessing.reading.batch import BATCH_ROWS, RawBatch, raw_batches
from mlmagic.preprocessing.reading.files import Found, open_file
from mlmagic.preprocessing.reading.options import ReadOptions
from mlmagic.preprocessing.reading.source import Layout, Piece, Source
from mlmagic.preprocessing.reading.types import Types, arrow_kind, same_columns, unified
from mlmagic.preprocessing.reading.units import cut_at


def plan_parquet(files: Sequence[Found], options: ReadOptions) -> tuple[Types, list[Piece]]:
    """Return the columns that all files have, and each file as a piece.

    Raises:
        UsageError: files that are no Parquet, with other columns, or with columns that no dataset can have.
    """
    problems: list[str] = []
    schemas: dict[str, pa.Schema] = {}
    pieces = []
    for file in files:
        try:
            with open_parquet(file.path) as parquet:
                schemas[file.path] = parquet.schema_arrow
                groups = parquet.metadata.num_row_groups if parquet.metadata.num_rows else 0
                pieces.append(Piece(path=file.path, start=0, stop=groups, size=file.size, layout=Layout()))
        except UsageError as error:
            problems.append(error.message)
    if problems:
        raise UsageError("The input cannot be read.", problems=problems)
    names = same_columns({path: schema.names for path, schema in schemas.items()})
    columns = {name: {str(s.field(name).type): s.field(name).type for s in schemas.values()} for name in names}
    nested = [
        f"{name}: {' or '.join(kinds)}"
        for name, kinds in columns.items()
        if any(arrow_kind(k) is False for k in kinds.values())
    ]
    if nested:
        raise UsageError(
            "Some columns hold what a dataset cannot.",
            problems=nested,
            hint="Columns hold integers, floats, booleans, text, timestamps or dates; leave out the others.",
        )
    found = {name: unified(arrow_kind(kind) for kind in kinds.values()) for name, kinds in columns.items()}
    return {name: options.types.get(name, kind) for name, kind in found.items()}, pieces


def cut_parquet(piece: Piece, size: int) -> tuple[Piece, Piece | None]:
    """Cut between row groups, as near to that size as they allow."""
    with open_parquet(piece.path) as parquet:
        weights = [parquet.metadata.row_group(index).total_byte_size for index in range(piece.start, piece.stop)]
    total = sum(weights)
    if len(weights) < 2 or not total:
        return piece, None
    done = 0
    for index, weight in enumerate(weights[:-1], 1):
        done += weight
        if (done + weights[index] / 2) * piece.size / total >= size:
            break
    return cut_at(piece, piece.start + index, piece.size * done // total)


def read_parquet(source: Source, piece: Piece) -> Iterator[RawBatch]:
    """Read the row groups of a piece."""
    with open_parquet(piece.path) as parquet:
        groups = range(piece.start, piece.stop)
        rows = sum(parquet.metadata.row_group(index).num_rows for index in groups)
        offset = sum(parquet.metadata.row_group(index).num_rows for index in range(piece.start))
        done = read = 0
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS, row_groups=list(groups), use_threads=False):
            read += batch.num_rows
            before, done = done, piece.size * read // rows
            yield from raw_batches(source, piece.path, batch, offset=offset + read - batch.num_rows, size=done - before)
        rest = piece.size - done
        if rest:
            yield RawBatch(path=piece.path, batch=pa.RecordBatch.from_pylist([], source.schema), bytes_done=rest)


@contextmanager
def open_parquet(path: str) -> Iterator[pq.ParquetFile]:
    """Open a file of this machine or of a bucket.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        if os.path.exists(path):  # noqa: PTH110
            with pq.ParquetFile(path, pre_buffer=False) as parquet:
                yield parquet
        else:
            with open_file(path) as file, pq.ParquetFile(file, pre_buffer=False) as parquet:
                yield parquet
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{path}: is damaged or no Parquet file: {str(error).splitlines()[0]}") from error
