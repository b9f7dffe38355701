"""The lines of a log as they are sent: cut where they are too long, progress bars at their last state."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from mlmagic.panels.text import plain_log
from mlmagic.server.log_index import LogIndex
from mlmagic.spec.log import severities
from mlmagic.spec.panel_rows import LogLine, LogLines

MOST_LINES = 2_000
LONGEST_LINE = 10_000
"""Characters; what is longer is cut."""

CONTEXT_LINES = 100
"""What the lines of a traceback are is told by its head, which may stand so many lines before them."""

_CHUNK = 1 << 20
# A character has four bytes at most.
_LONGEST_BYTES = 4 * LONGEST_LINE


RawLine = tuple[bytes, bytes]
"""The beginning of a line, and its end where that is not all of it."""


def read_lines(index: LogIndex, first: int, count: int) -> LogLines:
    """Return lines of a log as it is now; a negative `first` counts from its end.

    Raises:
        OSError: it cannot be read.
    """
    extent = index.update()
    begin = max(0, extent.lines + first) if first < 0 else min(first, extent.lines)
    wanted = min(count, MOST_LINES, extent.lines - begin)
    before = min(begin, CONTEXT_LINES)
    blocks = raw_lines(index.path, index.start_of(begin - before), extent.size_bytes)
    read = [line_of(raw) for raw in islice(chain.from_iterable(blocks), before + wanted)]
    told = severities([plain(text) for text, _ in read])
    lines = [LogLine(text=text, severity=grade, is_cut=cut) for (text, cut), grade in zip(read, told, strict=True)]
    return LogLines(first=begin, lines=tuple(lines[before:]), total=extent.lines, size_bytes=extent.size_bytes)


def raw_lines(path: Path, start: int, end: int) -> Iterator[list[RawLine]]:
    """Yield the lines between two bytes of a file, as many at a time as a megabyte holds; long ones are cut.

    Raises:
        OSError: it cannot be read.
    """
    head, tail = b"", b""
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        while start < end and (data := file.read(min(_CHUNK, end - start))):
            start += len(data)
            first, *others = data.split(b"\n")
            head, tail = _longer(head, tail, first)
            if not others:
                continue
            *whole, last = others
            yield [
                (head, tail),
                *((line, b"") if len(line) <= _LONGEST_BYTES else _longer(b"", b"", line) for line in whole),
            ]
            head, tail = _longer(b"", b"", last)
    if head:
        yield [(head, tail)]


def _longer(head: bytes, tail: bytes, piece: bytes) -> RawLine:
    room = _LONGEST_BYTES - len(head)
    return head + piece[:room], (tail + piece[room:][-_LONGEST_BYTES:])[-_LONGEST_BYTES:]


def line_of(raw: RawLine) -> tuple[str, bool]:
    """Return a line as it is shown, and whether it is cut."""
    head, tail = raw
    if tail and b"\r" in head:
        # A progress bar that was printed to a file: all its states are one line, and the last of them counts.
        head, tail = tail.rstrip(b"\r").rpartition(b"\r")[2], b""
    text = standing(head.decode("utf-8", "replace"))
    return text[:LONGEST_LINE], bool(tail) or len(text) > LONGEST_LINE


def standing(line: str) -> str:
    """Return what a terminal shows of a line, after all that went back and was written over; colours stay."""
    line = line.rstrip("\r").rpartition("\r")[2]
    return plain_log(line) if "\b" in line else line


def plain(line: str) -> str:
    """Return a line without its colours."""
    return plain_log(line) if "\x1b" in line else line
