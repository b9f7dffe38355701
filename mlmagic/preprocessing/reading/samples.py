"""Text files opened, and rows of them for a first look: from the beginnings, the ends and between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from mlmagic.errors import UsageError
from mlmagic.preprocessing.reading.files import Found, open_file, read_at
from mlmagic.preprocessing.reading.rows import find_rows
from mlmagic.preprocessing.reading.source import Layout, Piece
from mlmagic.preprocessing.reading.text import BOM, GZIP, LONGEST, inflated, row_end, text_blocks, whole
from mlmagic.preprocessing.reading.units import cut_at

_HEAD = 1 << 18
_SAMPLE = 1 << 17
SAMPLED_FILES = 20
_SAMPLES = 24
"""Blocks in all; a file gets two at least."""


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file of text, with a whole line at least."""

    text: bytes
    start: int
    """Where the first line begins that is not blank."""
    is_whole: bool
    """That is all of the file."""
    is_compressed: bool


def read_head(file: Found) -> Head:
    """Return the beginning of a file.

    Raises:
        UsageError: it holds no text.
    """
    with open_file(file.path) as opened:
        is_compressed = read_at(opened, 0, 2) == GZIP
        opened.seek(0)
        text, is_whole = _head(file, opened, is_compressed=is_compressed)
    if text[:_HEAD].count(b"\0") * 4 > len(text[:_HEAD]):
        raise UsageError(f"{file.path}: is not UTF-8 text; every other byte or so is 0, as in UTF-16")
    start = len(BOM) if text.startswith(BOM) else 0
    while text[start : start + 1] in {b"\n", b"\r"}:
        start += 1
    if start >= len(text):
        raise UsageError(f"{file.path}: is empty but for line breaks")
    return Head(text, start, is_whole, is_compressed)


def text_piece(file: Found, head: Head, start: int, layout: Layout) -> Piece:
    """Return the file from there on as a piece."""
    # Where compressed text ends is not known before it has been read.
    stop = start + file.size if head.is_compressed else file.size
    if head.is_whole and start >= len(head.text):
        stop = start
    return Piece(path=file.path, start=start, stop=stop, size=file.size, layout=layout)


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


def sample_blocks(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, bytes]]:
    """Yield blocks of whole rows from some of the files, the first and the last among them."""
    count = min(len(pieces), SAMPLED_FILES)
    for place in sorted({index * (len(pieces) - 1) // max(1, count - 1) for index in range(count)}):
        for block in blocks_of(pieces[place], max(2, _SAMPLES // count)):
            yield pieces[place], block


def blocks_of(piece: Piece, count: int) -> Iterator[bytes]:
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


def _head(file: Found, opened: BinaryIO, *, is_compressed: bool) -> tuple[bytes, bool]:
    """Return the beginning of the text, with a whole line at least, and whether that is all."""
    head = b""
    for chunk, _ in inflated(opened, file.path) if is_compressed else whole(opened):
        head += chunk
        if len(head) >= _HEAD and (b"\n" in head or b"\r" in head[:-1] or len(head) > LONGEST):
            return head, False
    return head, True
