"""Text files as blocks of whole rows, compressed or not."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from mlmagic.errors import UsageError
from mlmagic.preprocessing.reading.files import open_file, read_at
from mlmagic.preprocessing.reading.rows import find_rows
from mlmagic.preprocessing.reading.source import Piece

BLOCK = 4 << 20
LONGEST = 64 << 20
"""A row is at most so long: memory is bounded."""
GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r(?=[^\n])")


@dataclass(frozen=True, slots=True)
class Block:
    """Whole rows."""

    data: bytes
    offset: int
    """Of its first byte, in the text; in a compressed file, in what it holds."""
    size: int
    """Bytes of the file that were read for it."""
    is_broken: bool = False
    """It is the beginning of a row that is longer than the longest; the rest of it is left out."""


def text_blocks(piece: Piece) -> Iterator[Block]:
    """Yield the text of a piece in blocks of whole rows.

    Raises:
        UsageError: the file cannot be read, or is compressed and damaged.
    """
    with open_file(piece.path) as file:
        chunks = (
            _without(inflated(file, piece.path), piece.start) if piece.layout.is_compressed else _plain(file, piece)
        )
        yield from _whole_rows(chunks, piece)


def inflated(file: BinaryIO, path: str) -> Iterator[tuple[bytes, int]]:
    """Yield what a gzip file holds, all of its members, with the bytes of the file that each part took.

    Raises:
        UsageError: it is truncated or damaged.
    """
    inflater = zlib.decompressobj(wbits=31)
    while chunk := file.read(1 << 18):
        size = len(chunk)
        while chunk:
            if inflater.eof:
                chunk = chunk.lstrip(b"\0")  # padding is allowed at the end
                if not chunk:
                    break
                inflater = zlib.decompressobj(wbits=31)
            try:
                data = inflater.decompress(chunk, BLOCK)
            except zlib.error as error:
                raise UsageError(f"{path} is damaged: it cannot be decompressed ({error}).") from error
            chunk = inflater.unconsumed_tail or inflater.unused_data
            yield data, size
            size = 0
        if size:
            yield b"", size
    # What is left in the window comes out with the end.
    while not inflater.eof and (data := inflater.decompress(inflater.unconsumed_tail, BLOCK)):
        yield data, 0
    if not inflater.eof:
        raise UsageError(
            f"{path} is truncated: the compressed data end in the middle.",
            hint="Copy or download the file again, or leave it out of --input.",
        )


def _without(chunks: Iterator[tuple[bytes, int]], head: int) -> Iterator[tuple[bytes, int]]:
    for chunk, size in chunks:
        yield chunk[head:], size
        head = max(0, head - len(chunk))


def row_end(file: BinaryIO, place: int, stop: int) -> int:
    """Return where the first row begins after that place; `stop` if none does."""
    window, data = 1 << 16, b""
    while place + len(data) < stop:
        data += read_at(file, place + len(data), min(window, stop - place - len(data)))
        if match := _LINE_END.search(data):
            return place + match.end()
        window *= 4
    return stop


def whole(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield what is left of a file."""
    while chunk := file.read(BLOCK):
        yield chunk, len(chunk)


def _plain(file: BinaryIO, piece: Piece) -> Iterator[tuple[bytes, int]]:
    file.seek(piece.start)
    left = piece.stop - piece.start
    # A byte order mark or a header belongs to the size of the piece.
    spare = piece.size - left
    if left == 0:
        yield b"", spare
    while left > 0 and (chunk := file.read(min(BLOCK, left))):
        left -= len(chunk)
        yield chunk, len(chunk) + spare
        spare = 0
    if left > 0:
        raise UsageError(f"{piece.path} has become shorter while it was read: {left} bytes are missing.")


def _whole_rows(chunks: Iterator[tuple[bytes, int]], piece: Piece) -> Iterator[Block]:
    data, offset, size, is_skipping = b"", piece.start, 0, False
    for chunk, taken in chunks:
        data, size = data + chunk, size + taken
        if is_skipping:
            cut = _first_end(data)
            data, offset, is_skipping = data[cut:] if cut else data[-1:], offset + (cut or len(data) - 1), not cut
        if is_skipping or len(data) < BLOCK:
            continue
        if cut := _last_end(data, piece):
            yield Block(data[:cut], offset, size)
        elif len(data) > LONGEST:
            is_skipping, cut = True, len(data) - 1
            yield Block(data[:cut], offset, size, is_broken=True)
        else:
            continue
        data, offset, size = data[cut:], offset + cut, 0
    if is_skipping:
        cut = _first_end(data) or len(data)
        data, offset = data[cut:], offset + cut
    if data or size:
        yield Block(data, offset, size)


def _first_end(data: bytes) -> int:
    match = _LINE_END.search(data)
    return match.end() if match else 0


def _last_end(data: bytes, piece: Piece) -> int:
    if piece.layout.is_multiline:
        layout = piece.layout
        return find_rows(data, layout.delimiter, multiline=True, is_last=False, fields=len(layout.names)).pending
    # A return at the very end may be half of a line break.
    return max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1
