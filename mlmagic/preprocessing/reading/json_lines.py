"""JSON lines: blocks through Arrow's parser, and line by line where a block has a bad one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pajson

from mlmagic.errors import UsageError
from mlmagic.preprocessing.reading.batch import BATCH_ROWS, RawBatch, typed
from mlmagic.preprocessing.reading.files import Found
from mlmagic.preprocessing.reading.json_rows import Faulty, lines_of, read_object, value_text
from mlmagic.preprocessing.reading.lines import Lines
from mlmagic.preprocessing.reading.members import Members, members_batch
from mlmagic.preprocessing.reading.options import ReadOptions
from mlmagic.preprocessing.reading.rejections import TEXT_LENGTH, Fault, Rejection
from mlmagic.preprocessing.reading.samples import read_head, sample_blocks, text_piece
from mlmagic.preprocessing.reading.source import READ_TYPES, Layout, Piece, Source
from mlmagic.preprocessing.reading.text import Block, text_blocks
from mlmagic.preprocessing.reading.types import Types, check_width
from mlmagic.spec.dataset import ColumnType

_SAMPLED = 1000
"""Rows of each block that is looked at before."""
_AS_TEXT = {ColumnType.TIMESTAMP, ColumnType.DATE}


def plan_json_lines(files: Sequence[Found], options: ReadOptions) -> tuple[Types, list[Piece]]:
    """Return the keys that the samples have, and each file as a piece.

    A key that shows up only later is none of the columns: a row that has it is rejected, unless `types` names it.

    Raises:
        UsageError: files without lines of text, or values that are nested.
    """
    problems: list[str] = []
    pieces: list[Piece] = []
    layouts = {is_compressed: Layout(is_compressed=is_compressed) for is_compressed in (False, True)}
    for file in files:
        try:
            head = read_head(file)
        except UsageError as error:
            problems.append(error.message)
            continue
        if head.text[head.start :].lstrip().startswith(b"["):
            problems.append(f"{file.path}: is one array; write each row as an object on a line of its own")
        pieces.append(text_piece(file, head, head.start, layouts[head.is_compressed]))
    if problems:
        raise UsageError("The input cannot be read.", problems=problems)
    members = Members(options)
    for _, block in sample_blocks(pieces):
        for start, stop in lines_of(block)[:_SAMPLED]:
            try:
                members.add(read_object(block[start:stop]))
            except Faulty:
                continue
        check_width(members.width, pieces[0].path)
    return members.types(pieces[0].path), pieces


def read_json_lines(source: Source, piece: Piece) -> Iterator[RawBatch]:
    """Read a piece of a file of JSON lines. The quick way and the other give the same rows."""
    lines = Lines(piece)
    for block in text_blocks(piece):
        rejected: tuple[Rejection, ...] = ()
        batch = None if block.is_broken else _read_quickly(source, block.data)
        if batch is None:
            batch, rejected = _read_slowly(source, piece, block, lines)
        lines.pass_by(block)
        for start in range(0, max(1, batch.num_rows), BATCH_ROWS):
            part = batch.slice(start, BATCH_ROWS)
            yield RawBatch(path=piece.path, batch=part, rejected=rejected, bytes_done=0 if start else block.size)
            rejected = ()


def _read_quickly(source: Source, data: bytes) -> pa.RecordBatch | None:
    """Return all rows of the block; None if one of them may be bad."""
    if not data or not _is_regular(data) or not _is_utf8(data):
        return None
    schema = pa.schema(
        [
            (column.name, pa.string() if column.type in _AS_TEXT else READ_TYPES[column.type])
            for column in source.columns
        ]
    )
    try:
        table = pajson.read_json(
            pa.BufferReader(data),
            pajson.ReadOptions(use_threads=False, block_size=max(len(data) + 1, 1 << 10)),
            pajson.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
        )
    except pa.ArrowInvalid:
        return None
    arrays = [table.column(column.name).combine_chunks() for column in source.columns]
    if any(pa.types.is_floating(array.type) and pc.any(pc.is_inf(array)).as_py() for array in arrays):
        return None  # 1e309 becomes infinite
    batch, faults = typed(source, arrays)
    return None if faults else batch


def _is_regular(data: bytes) -> bool:
    """Whether each line is one pair of braces and nothing else: other text Arrow may divide, or fall over."""
    count = data.count(b"\n") + (not data.endswith(b"\n"))
    ends = data.count(b"}\n") + data.count(b"}\r\n") + data.endswith(b"}")
    starts = data.startswith(b"{") + data.count(b"\n{")
    braces = data.count(b"{"), data.count(b"}")
    return starts == ends == count and braces == (count, count) and data.count(b"\r") == data.count(b"\r\n")


def _is_utf8(data: bytes) -> bool:
    # Arrow does not look.
    try:
        return data.isascii() or bool(data.decode())
    except UnicodeDecodeError:
        return False


def _read_slowly(
    source: Source, piece: Piece, block: Block, lines: Lines
) -> tuple[pa.RecordBatch, tuple[Rejection, ...]]:
    data = block.data
    spans = [(0, len(data))] if block.is_broken else lines_of(data)

    def objects() -> Iterator[dict[str, object] | Fault]:
        for start, stop in spans:
            try:
                yield ("longer than 64 MB",) * 2 if block.is_broken else read_object(data[start:stop])
            except Faulty as error:
                yield error.fault

    batch, faults = members_batch(source, objects(), value_text)
    bad = ((*spans[row], fault) for row, fault in sorted(faults.items()))
    rejected = tuple(
        Rejection(piece.path, block.offset + start, *fault, _text(data[start:stop]), line)
        for start, stop, fault, line in lines.numbered(block, bad)
    )
    return batch, rejected


def _text(line: bytes) -> str:
    return line[:TEXT_LENGTH].decode("utf-8", "backslashreplace")
