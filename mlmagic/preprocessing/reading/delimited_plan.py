"""CSV files: their header, delimiter, quotes and types, from their beginnings and some blocks between."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from mlmagic.errors import UsageError
from mlmagic.preprocessing.reading.delimited_rows import read_texts
from mlmagic.preprocessing.reading.files import Found
from mlmagic.preprocessing.reading.guess import looks_like_data, type_of_texts
from mlmagic.preprocessing.reading.header import DELIMITERS, delimiter_of, name_columns
from mlmagic.preprocessing.reading.options import ReadOptions
from mlmagic.preprocessing.reading.rows import find_rows, has_open_quotes
from mlmagic.preprocessing.reading.samples import Head, blocks_of, read_head, sample_blocks, text_piece
from mlmagic.preprocessing.reading.source import Layout, Piece
from mlmagic.preprocessing.reading.text import text_blocks
from mlmagic.preprocessing.reading.types import Types, check_width, same_columns


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
    types = {
        name: options.types.get(name) or type_of_texts(samples.column(name).combine_chunks(), options.null_values)
        for name in names
    }
    if options.has_header:
        _check_header(pieces[0], types)
    return types, pieces


def _plan_file(file: Found, options: ReadOptions) -> Piece:
    head = read_head(file)
    first = _first_row(file, head)
    delimiter = options.delimiter or delimiter_of(first, file.path)
    check_width(first.count(delimiter) + 1, file.path)
    cells = next(csv.reader(io.StringIO(first, newline=""), delimiter=delimiter), [""])
    if options.column_names and len(options.column_names) != len(cells):
        told = f"has {len(cells)} columns, and --column-names names {len(options.column_names)}"
        raise UsageError(f"{file.path}: {told}")
    names = name_columns(options.column_names or (cells if options.has_header else [""] * len(cells)), file.path)
    layout = Layout(names=names, delimiter=delimiter, is_compressed=head.is_compressed)
    start = head.start + (len(first.encode()) if options.has_header else 0)
    piece = text_piece(file, head, start, layout)
    return replace(piece, layout=replace(layout, is_multiline=_is_multiline(piece, options)))


def _first_row(file: Found, head: Head) -> str:
    """Return the first row with its line break."""
    text = head.text[head.start :]
    # Delimiters do not matter to where it ends, unless a quote stands at the beginning of a field.
    sign = max(DELIMITERS, key=text.split(b"\n", 1)[0].decode("latin-1").count)
    rows = find_rows(text, sign, multiline=True, is_last=head.is_whole)
    stop = int(rows.starts[1]) if len(rows.starts) > 1 else rows.pending or len(text)
    try:
        return text[:stop].decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{file.path}: its first line is not UTF-8: {error.reason} at byte {error.start}") from error


def _is_multiline(piece: Piece, options: ReadOptions) -> bool:
    if options.has_quoted_newlines is not None:
        return options.has_quoted_newlines
    if not piece.layout.is_compressed and not any(b'"' in block for block in blocks_of(piece, 5)):
        return False
    return any(has_open_quotes(block.data, piece.layout.delimiter) for block in text_blocks(piece))


def _samples(pieces: Sequence[Piece], options: ReadOptions) -> pa.Table:
    names = pieces[0].layout.names
    tables = [pa.table({name: pa.array([], pa.string()) for name in names})]
    tables += [_texts(block, piece, options).select(names) for piece, block in sample_blocks(pieces)]
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
