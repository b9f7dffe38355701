"""Numbers of lines, counted only where a row is rejected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlmagic.preprocessing.reading.files import open_file, read_at
from mlmagic.preprocessing.reading.rejections import Fault
from mlmagic.preprocessing.reading.source import Piece
from mlmagic.preprocessing.reading.text import Block, inflated

_REACH = 256 << 20
"""Lines that begin beyond have no number: to count them, all before would be read."""


class Lines:
    """Of a piece that is read block by block."""

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self._known = 0
        self._counted = -1
        self._skipped = b""

    def pass_by(self, block: Block) -> None:
        """Go on behind the block."""
        if self._counted == block.offset:
            self._known += _breaks(block.data)
            self._counted += len(block.data)

    def numbered(
        self, block: Block, rows: Iterable[tuple[int, int, Fault]]
    ) -> Iterator[tuple[int, int, Fault, int | None]]:
        """Yield each of these rows of the block, in their order, with the number of its first line, from 1."""
        line, place = 0, -1
        for start, stop, fault in rows:
            if block.offset + start > _REACH:
                yield start, stop, fault, None
                continue
            line = (
                self._before(block) + _breaks(block.data[:start])
                if place < 0
                else line + _breaks(block.data[place:start])
            )
            place = start
            yield start, stop, fault, line + 1

    def _before(self, block: Block) -> int:
        if self._counted != block.offset:
            self._known, self._counted = self._count(block.offset), block.offset
        return self._known

    def _count(self, end: int) -> int:
        """How many lines end before that place of the text."""
        count = 0
        with open_file(self._piece.path) as file:
            if self._piece.layout.is_compressed:
                for chunk, _ in inflated(file, self._piece.path):
                    count += _breaks(chunk[:end])
                    end -= len(chunk)
                    if end <= 0:
                        break
                return count
            for start in range(0, end, 8 << 20):
                count += _breaks(read_at(file, start, min(8 << 20, end - start)))
        return count


def _breaks(text: bytes) -> int:
    return text.count(b"\n") or text.count(b"\r")
