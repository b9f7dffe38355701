"""TFRecord files of Examples."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import pyarrow as pa

from mlmagic.errors import UsageError
from mlmagic.preprocessing.reading.batch import RawBatch
from mlmagic.preprocessing.reading.checksum import masked_crc, masked_crcs
from mlmagic.preprocessing.reading.examples import read_example
from mlmagic.preprocessing.reading.files import Found, open_file, read_at
from mlmagic.preprocessing.reading.json_rows import Faulty, value_text
from mlmagic.preprocessing.reading.members import Members, members_batch
from mlmagic.preprocessing.reading.options import ReadOptions
from mlmagic.preprocessing.reading.rejections import Fault, Rejection
from mlmagic.preprocessing.reading.samples import SAMPLED_FILES
from mlmagic.preprocessing.reading.source import Layout, Piece, Source
from mlmagic.preprocessing.reading.text import GZIP, inflated, whole
from mlmagic.preprocessing.reading.types import Types

_BATCH_RECORDS = 4096
_BATCH_BYTES = 4 << 20
_LONGEST = 256 << 20
_SAMPLED = 1000
_HINT = "Write the file again, or leave it out of --input."


class Record(NamedTuple):
    """One record as it stands in the file."""

    data: bytes
    crc: int
    size: int
    """Bytes of the file that were read for it."""


def plan_tfrecord(files: Sequence[Found], options: ReadOptions) -> tuple[Types, list[Piece]]:
    """Return the features that the first records of some files have, and each file as a piece.

    A feature that shows up only later is none of the columns: a row that has it is rejected, unless `types` names it.

    Raises:
        UsageError: files that are no TFRecord, or features of several values.
    """
    pieces = []
    for file in files:
        with open_file(file.path) as opened:
            layout = Layout(is_compressed=read_at(opened, 0, 2) == GZIP)
        pieces.append(Piece(path=file.path, start=0, stop=file.size, size=file.size, layout=layout))
    members = Members(options)
    count = min(len(pieces), SAMPLED_FILES)
    for place in sorted({index * (len(pieces) - 1) // max(1, count - 1) for index in range(count)}):
        for record in islice(_records(pieces[place]), _SAMPLED):
            row = _row(record.data)
            if isinstance(row, dict):
                members.add(row)
    return members.types(pieces[0].path), pieces


def read_tfrecord(source: Source, piece: Piece) -> Iterator[RawBatch]:
    """Read a file. A record with a wrong checksum is rejected; where a length is damaged, the rest cannot be read."""
    number = done = 0
    for records in _batches(_records(piece)):
        crcs = masked_crcs([record.data for record in records]).tolist()
        rows = [_row(record.data) if record.crc == crc else _DAMAGED for record, crc in zip(records, crcs, strict=True)]
        batch, faults = members_batch(source, rows, value_text)
        rejected = tuple(
            Rejection(piece.path, number + row, *fault, _text(rows[row]), number + row + 1)
            for row, fault in sorted(faults.items())
        )
        number += len(records)
        size = sum(record.size for record in records)
        done += size
        yield RawBatch(path=piece.path, batch=batch, rejected=rejected, bytes_done=size)
    yield RawBatch(path=piece.path, batch=pa.RecordBatch.from_pylist([], source.schema), bytes_done=piece.size - done)


_DAMAGED: Fault = ("a wrong checksum", "the checksum is wrong: the record is damaged")


def _row(data: bytes) -> dict[str, object] | Fault:
    try:
        return read_example(data)
    except Faulty as error:
        return error.fault


def _text(row: dict[str, object] | Fault) -> str | None:
    return json.dumps(row, ensure_ascii=False) if isinstance(row, dict) else None


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    room = _BATCH_BYTES
    for record in records:
        batch.append(record)
        room -= len(record.data)
        if room <= 0 or len(batch) >= _BATCH_RECORDS:
            yield batch
            batch, room = [], _BATCH_BYTES
    if batch:
        yield batch


def _records(piece: Piece) -> Iterator[Record]:
    with open_file(piece.path) as file:
        chunks = inflated(file, piece.path) if piece.layout.is_compressed else whole(file)
        reader = _Reader(chunks, piece.path)
        while (head := reader.take(12, may_end=True)) is not None:
            length, crc = struct.unpack("<QI", head)
            if masked_crc(head[:8]) != crc or length > _LONGEST:
                told = "is no TFRecord file" if reader.count == 0 else f"is damaged in record {reader.count + 1}"
                raise UsageError(f"{piece.path} {told}: the checksum of a length is wrong.", hint=_HINT)
            body = reader.take(length + 4) or b""
            reader.count += 1
            yield Record(body[:-4], int.from_bytes(body[-4:], "little"), reader.taken())


class _Reader:
    """Bytes of a file, so many at a time."""

    def __init__(self, chunks: Iterator[tuple[bytes, int]], path: str) -> None:
        self._chunks = chunks
        self._path = path
        self._data = b""
        self._place = 0
        self._size = 0
        self.count = 0
        """Of records so far."""

    def take(self, length: int, *, may_end: bool = False) -> bytes | None:
        """Return so many bytes; None at the end of the file.

        Raises:
            UsageError: it ends before.
        """
        while len(self._data) - self._place < length:
            chunk, size = next(self._chunks, (None, 0))
            if chunk is None:
                if may_end and self._place == len(self._data):
                    return None
                raise UsageError(f"{self._path} is truncated: it ends within record {self.count + 1}.", hint=_HINT)
            self._size += size
            self._data, self._place = self._data[self._place :] + chunk, 0
        self._place += length
        return self._data[self._place - length : self._place]

    def taken(self) -> int:
        """Return how many bytes of the file were read since the last call."""
        size, self._size = self._size, 0
        return size
