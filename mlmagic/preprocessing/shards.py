"""Parts that units write, which become the shards of a dataset by a rename at the end."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Self

import pyarrow as pa
import pyarrow.parquet as pq

from mlmagic.preprocessing import storage
from mlmagic.preprocessing.encodings import writer_options

ROW_GROUP = 65_536
"""Rows of a row group: what the training input decodes at a time."""


@dataclass(frozen=True, slots=True)
class Part:
    """A finished file. Of a unit that was tried twice, only the parts that its result names are kept."""

    group: str
    """The split, or where rejected rows go."""
    unit: int
    path: str
    rows: int


class PartWriter:
    """Writes the rows of one split of one unit, in row groups of even size."""

    def __init__(self, folder: str, group: str, unit: int, schema: pa.Schema) -> None:
        self._part = (group, unit, storage.join(folder, f"{group}-{unit:06d}-{uuid.uuid4().hex}"))
        self._schema = schema
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self._rows = 0
        self._stream: BinaryIO | None = None
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self._stream is not None:
            # Nobody will ask for it; the disk may be full.
            for end in (self._writer, self._stream):
                with contextlib.suppress(Exception):
                    end.close()  # type: ignore[union-attr]
            storage.delete(self._part[2])

    def add(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Take rows in; yield each row group that became full, after it was written."""
        if batch.num_rows:
            self._waiting.append(batch)
            self._waiting_rows += batch.num_rows
        if self._waiting_rows >= ROW_GROUP:
            yield from self._write(full=True)

    def finish(self) -> Iterator[pa.RecordBatch]:
        """Write the rest, and yield it."""
        if self._waiting_rows:
            yield from self._write(full=False)

    def close(self) -> Part | None:
        """End the file; None if there was no row."""
        if self._writer is None or self._stream is None:
            return None
        self._writer.close()
        self._stream.close()
        group, unit, path = self._part
        return Part(group, unit, path, self._rows)

    def _write(self, *, full: bool) -> Iterator[pa.RecordBatch]:
        table = pa.Table.from_batches(self._waiting, self._schema).unify_dictionaries().combine_chunks()
        end = table.num_rows - table.num_rows % ROW_GROUP if full else table.num_rows
        groups = table.slice(0, end).to_batches(max_chunksize=ROW_GROUP)
        rest = table.slice(end)
        self._waiting = rest.to_batches() if rest.num_rows else []
        self._waiting_rows = rest.num_rows
        for group in groups:
            self._open(group).write_table(pa.Table.from_batches([group]), row_group_size=ROW_GROUP)
            self._rows += group.num_rows
            yield group

    def _open(self, first: pa.RecordBatch) -> pq.ParquetWriter:
        if self._writer is None:
            self._stream = storage.create(self._part[2])
            self._writer = pq.ParquetWriter(self._stream, self._schema, **writer_options(first))
        return self._writer


def place(parts: Iterable[Part], output: str) -> None:
    """Move parts to their names as shards, numbered in the order of their units."""
    for group, members in _by_group(parts).items():
        for number, part in enumerate(members):
            storage.rename(part.path, storage.join(output, shard_name(group, number, len(members))))


def shard_name(group: str, number: int, count: int) -> str:
    """Return `train-00003-of-00016.parquet`; rejected rows have a folder of their own."""
    folder = f"{group}/" if group == REJECTED else ""
    return f"{folder}{group}-{number:05d}-of-{count:05d}.parquet"


REJECTED = "rejected"


def rows_by_split(parts: Iterable[Part], names: Sequence[str]) -> dict[str, int]:
    """Count the rows of each split, in the given order."""
    groups = _by_group(parts)
    return {name: sum(part.rows for part in groups.get(name, ())) for name in names}


def _by_group(parts: Iterable[Part]) -> Mapping[str, list[Part]]:
    groups: dict[str, list[Part]] = {}
    for part in sorted(parts, key=lambda part: (part.group, part.unit, part.path)):
        groups.setdefault(part.group, []).append(part)
    return groups
