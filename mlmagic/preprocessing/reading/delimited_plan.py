"""CSV files: their header, delimiter, quotes and types, from their beginnings and some blocks between."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO

import pyarrow as pa

from mlmagic.errors import UsageError
from mlmagic.preprocessing.reading.delimited_rows import read_texts
from mlmagic.preprocessing.reading.files import Found, open_file, read_at
from mlmagic.preprocessing.reading.guess import looks_like_data, type_of_texts
from mlmagic.preprocessing.reading.options import ReadOptions
from mlmagic.preprocessing.reading.rows import find_rows, has_open_quotes
from mlmagic.preprocessing.reading.source import Layout, Piece
from mlmagic.preprocessing.reading.text import BOM, GZIP, LONGEST, inflated, row_end, text_blocks
from mlmagic.preprocessing.reading.types import Types, same_columns
from mlmagic.preprocessing.reading.units import cut_at

_HEAD = 1 << 18
_SAMPLE = 1 << 17
_SAMPLED_FILES = 20
_SAMPLES = 24
"""Blocks in all; a file gets two at least."""
_DELIMITERS = ",\t;|"


def plan_delimited(files: Sequence[Found], options: ReadOptions) -> tuple[Types, list[Piece]]:
    """Return the columns that all files have, and each file as a piece from its first row on.

    Raises:
        UsageError: files without rows of text, or with other columns.
    """
    problems: list[str] = []
    pieces: list[Piece] = []
    layouts: dict[Layout, Layout] = {}
    for file in files:
        try:
            piece = _plan_file(file, options)
        except UsageError as error:
            problems.append(error.message)
            continue
        pieces.append(replace(piece, layout=layouts.setdefault(piece.layout, piece.layout)))
    if problems:
        raise UsageError("The input cannot be read.", problems=problems)
    names = same_columns({piece.path: piece.layout.names for piece in pieces})
    samples = _samples(pieces, options)
    types = {name: options.types.get(name) or type_of_texts(samples.column(name).combine_chunks()) for name in names}
    if options.has_header:
        _check_header(pieces[0], types)
    return types, pieces


def cut_text(piece: Piece, size: int) -> tuple[Piece, Piece | None]:
    """Cut at the end of a row, about so many bytes on."""
    if not piece.layout.is_splittable:
        return piece, None
    head = piece.size - (piece.stop - piece.start)
    with open_file(piece.path) as file:
        place = row_end(file, piece.start + max(1, size - head), piece.stop)
    if place >= piece.stop:
        return piece, None
    return cut_at(piece, place, place - piece.start + head)


def _plan_file(file: Found, options: ReadOptions) -> Piece:
    with open_file(file.path) as opened:
        is_compressed = read_at(opened, 0, 2) == GZIP
        opened.seek(0)
        head, is_whole = _head(file, opened, is_compressed=is_compressed)
    start = len(BOM) if head.startswith(BOM) else 0
    first, start = _first_row(file, head, start, is_whole=is_whole)
    delimiter = options.delimiter or _delimiter(first, file.path)
    cells = next(csv.reader(io.StringIO(first, newline=""), delimiter=delimiter), [""])
    if options.column_names and len(options.column_names) != len(cells):
        told = f"has {len(cells)} columns, and --column-names names {len(options.column_names)}"
        raise UsageError(f"{file.path}: {told}")
    names = _named(options.column_names or (cells if options.has_header else [""] * len(cells)), file.path)
    layout = Layout(names=names, delimiter=delimiter, is_compressed=is_compressed)
    start += len(first.encode()) if options.has_header else 0
    # Where compressed text ends is not known before it has been read.
    is_empty = is_whole and start >= len(head)
    stop = start if is_empty else start + file.size if is_compressed else file.size
    piece = Piece(path=file.path, start=start, stop=stop, size=file.size, layout=layout)
    return replace(piece, layout=replace(layout, is_multiline=_is_multiline(piece, options)))


def _head(file: Found, opened: BinaryIO, *, is_compressed: bool) -> tuple[bytes, bool]:
    """Return the beginning of the text, with a whole line at least, and whether that is all."""
    head = b""
    for chunk, _ in inflated(opened, file.path) if is_compressed else _chunks(opened):
        head += chunk
        if len(head) >= _HEAD and (b"\n" in head or b"\r" in head[:-1] or len(head) > LONGEST):
            return head, False
    return head, True


def _chunks(opened: BinaryIO) -> Iterator[tuple[bytes, int]]:
    while chunk := opened.read(_HEAD):
        yield chunk, len(chunk)


def _first_row(file: Found, head: bytes, start: int, *, is_whole: bool) -> tuple[str, int]:
    """Return the first row that is not blank, with its line break, and where it begins."""
    while head[start : start + 1] in {b"\n", b"\r"}:
        start += 1
    if b"\0" in head[:_HEAD][start:] and head[:_HEAD].count(b"\0") * 4 > len(head[:_HEAD]):
        raise UsageError(f"{file.path}: is not UTF-8 text; every other byte or so is 0, as in UTF-16")
    if start >= len(head):
        raise UsageError(f"{file.path}: is empty but for line breaks")
    # Delimiters do not matter to where it ends, unless a quote stands at the beginning of a field.
    sign = max(_DELIMITERS, key=head[start:].split(b"\n", 1)[0].decode("latin-1").count)
    rows = find_rows(head[start:], sign, multiline=True, is_last=is_whole)
    stop = int(rows.starts[1]) if len(rows.starts) > 1 else rows.pending or len(head) - start
    try:
        return head[start : start + stop].decode(), start
    except UnicodeDecodeError as error:
        raise UsageError(f"{file.path}: its first line is not UTF-8: {error.reason} at byte {error.start}") from error


def _delimiter(row: str, path: str) -> str:
    if path.lower().removesuffix(".gz").endswith((".tsv", ".tab")):
        return "\t"
    counts = {sign: len(next(csv.reader(io.StringIO(row, newline=""), delimiter=sign), [])) for sign in _DELIMITERS}
    # The comma, unless there is none.
    return "," if counts[","] > 1 else max(_DELIMITERS, key=lambda sign: counts[sign])


def _named(cells: Sequence[str], path: str) -> tuple[str, ...]:
    """Name the columns; one without a name is called by its place, such as the index that pandas writes."""
    names = tuple(cell.strip() or f"column_{place}" for place, cell in enumerate(cells, 1))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(f"{path}: has two columns called {', '.join(twice[:8])}; give others with --column-names")
    return names


def _is_multiline(piece: Piece, options: ReadOptions) -> bool:
    if options.has_quoted_newlines is not None:
        return options.has_quoted_newlines
    if not piece.layout.is_compressed and not any(b'"' in block for block in _blocks(piece, 5)):
        return False
    return any(has_open_quotes(block.data, piece.layout.delimiter) for block in text_blocks(piece))


def _blocks(piece: Piece, count: int) -> Iterator[bytes]:
    """Yield blocks of whole rows from the beginning, the end and between."""
    if not piece.layout.is_splittable:
        block = next(text_blocks(piece)).data
        rows = find_rows(block, piece.layout.delimiter, multiline=piece.layout.is_multiline, is_last=True)
        later = rows.starts[rows.starts >= _SAMPLE * count]
        yield block[: int(later[0])] if len(later) else block
        return
    room = piece.stop - piece.start
    with open_file(piece.path) as file:
        if room <= count * _SAMPLE * 2:
            yield read_at(file, piece.start, room)
            return
        for index in range(count):
            place = piece.start + (room - 2 * _SAMPLE) * index // (count - 1)
            start = row_end(file, place, piece.stop) if index else place
            yield read_at(file, start, row_end(file, start + _SAMPLE, piece.stop) - start)


def _samples(pieces: Sequence[Piece], options: ReadOptions) -> pa.Table:
    count = min(len(pieces), _SAMPLED_FILES)
    # The first and the last are among them.
    chosen = {pieces[index * (len(pieces) - 1) // max(1, count - 1)] for index in range(count)}
    names = pieces[0].layout.names
    tables = [pa.table({name: pa.array([], pa.string()) for name in names})]
    for piece in sorted(chosen, key=lambda piece: piece.path):
        blocks = _blocks(piece, max(2, _SAMPLES // count))
        tables += [_texts(block, piece, options).select(names) for block in blocks]
    return pa.concat_tables(tables)


def _texts(block: bytes, piece: Piece, options: ReadOptions) -> pa.Table:
    """The rows of a sample that are whole; the others are rejected when they are read."""
    layout = piece.layout
    rows = find_rows(block, layout.delimiter, multiline=layout.is_multiline, is_last=True, fields=len(layout.names))
    spans = zip(rows.starts[~rows.unclosed].tolist(), rows.stops[~rows.unclosed].tolist(), strict=True)
    good = b"".join(block[start:stop] + b"\n" for start, stop in spans)
    text = good.decode("utf-8", "replace").encode()
    if not text:
        return pa.table({name: pa.array([], pa.string()) for name in layout.names})
    return read_texts(text, layout, options.null_values)


def _check_header(piece: Piece, types: Types) -> None:
    if looks_like_data(types):
        raise UsageError(
            f"The first line of {piece.path} looks like a row: {', '.join(list(types)[:8])}.",
            hint="If the files have no header, pass --no-header, and the names with --column-names.",
        )
