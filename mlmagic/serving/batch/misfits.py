"""Where rows stand that were read well and yet do not fit the model: found by reading once more, for they are few."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from mlmagic.preprocessing.reading.batch import value_of
from mlmagic.preprocessing.reading.json_rows import lines_of
from mlmagic.preprocessing.reading.lines import Lines
from mlmagic.preprocessing.reading.options import Format
from mlmagic.preprocessing.reading.parquet import open_parquet
from mlmagic.preprocessing.reading.rejections import TEXT_LENGTH, Fault, Rejection
from mlmagic.preprocessing.reading.rows import find_rows
from mlmagic.preprocessing.reading.source import Piece
from mlmagic.preprocessing.reading.text import Block, text_blocks


@dataclass(frozen=True, slots=True)
class Misfit:
    """A row that does not fit."""

    ordinal: int
    """How many rows of the piece were read well before it."""
    fault: Fault
    text: str | None = None
    """The row, where the file has no text of it."""


def row_text(batch: pa.RecordBatch, row: int) -> str:
    """Return a row as JSON."""
    values = {name: value_of(batch.column(index), row) for index, name in enumerate(batch.schema.names)}
    return json.dumps(values, default=str, ensure_ascii=False)


def locate(kind: Format, piece: Piece, misfits: Sequence[Misfit], rejected: Sequence[Rejection]) -> Iterator[Rejection]:
    """Yield the misfits, in their order, with file and line. `rejected` are the piece's rows that were not read."""
    by_ordinal = {misfit.ordinal: misfit for misfit in misfits}
    skipped = {row.offset for row in rejected}
    if kind is Format.PARQUET:
        yield from _in_parquet(piece, by_ordinal, skipped)
    else:
        yield from _in_text(kind, piece, by_ordinal, skipped)


def _in_parquet(piece: Piece, misfits: Mapping[int, Misfit], skipped: set[int]) -> Iterator[Rejection]:
    with open_parquet(piece.path) as file:
        place = sum(file.metadata.row_group(index).num_rows for index in range(piece.start))
    ordinal, last = 0, max(misfits)
    while ordinal <= last:
        if place not in skipped:
            if (misfit := misfits.get(ordinal)) is not None:
                yield Rejection(piece.path, place, *misfit.fault, misfit.text, place + 1)
            ordinal += 1
        place += 1


def _in_text(kind: Format, piece: Piece, misfits: Mapping[int, Misfit], skipped: set[int]) -> Iterator[Rejection]:
    lines, before, last = Lines(piece), 0, max(misfits)
    for block in text_blocks(piece):
        spans = [span for span in _spans(kind, piece, block) if block.offset + span[0] not in skipped]
        found = [number for number in range(len(spans)) if before + number in misfits]
        rows = ((*spans[number], misfits[before + number].fault) for number in found)
        for start, stop, fault, line in lines.numbered(block, rows):
            text = block.data[start:stop][:TEXT_LENGTH].decode("utf-8", "backslashreplace")
            yield Rejection(piece.path, block.offset + start, *fault, text, line)
        lines.pass_by(block)
        before += len(spans)
        if before > last:
            return


def _spans(kind: Format, piece: Piece, block: Block) -> list[tuple[int, int]]:
    """Return where the rows of a block start and stop, those among them that could not be read."""
    if block.is_broken:
        return [(0, len(block.data))]
    if kind is Format.JSONL:
        return lines_of(block.data)
    layout = piece.layout
    width = len(layout.names)
    rows = find_rows(block.data, layout.delimiter, multiline=layout.is_multiline, is_last=True, fields=width)
    spans = zip(rows.starts.tolist(), rows.stops.tolist(), strict=True)
    # A blank line is no row, unless there is only one column.
    return [(start, stop) for start, stop in spans if start < stop or width == 1]
