"""The lines of a log as they are sent: cut where they are too long, progress bars at their last state."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from mlmagic.panels.text import plain_log
from mlmagic.server.log_index import LogIndex, OpenLog
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
    with index.open() as log:
        found, is_whole = _read(log, first, count)
    if is_whole:
        return found
    # It was emptied between two looks: this is what it is since then.
    with index.open() as log:
        return _read(log, first, count)[0]


def _read(log: OpenLog, first: int, count: int) -> tuple[LogLines, bool]:
    begin = max(0, log.lines + first) if first < 0 else min(first, log.lines)
    wanted = min(count, MOST_LINES, log.lines - begin)
    before = min(begin, CONTEXT_LINES)
    blocks = raw_lines(log, log.start_of(begin - before))
    read = [line_of(raw) for raw in islice(chain.from_iterable(blocks), before + wanted)]
    told = severities([plain(text) for text, _ in read])
    lines = [LogLine(text=text, severity=grade, is_cut=cut) for (text, cut), grade in zip(read, told, strict=True)]
    found = LogLines(
        first=begin, lines=tuple(lines[before:]), total=log.lines, size_bytes=log.size_bytes, file=log.file
    )
    return found, len(read) == before + wanted


def raw_lines(log: OpenLog, start: int) -> Iterator[list[RawLine]]:
    """Yield the lines from a byte on, as many at a time as a megabyte holds; long ones are cut.

    Raises:
        OSError: it cannot be read.
    """
    head, tail = b"", b""
    while data := log.read(start, _CHUNK):
        start += len(data)
        first, *others = data.split(b"\n")
        head, tail = _longer(head, tail, first)
        if others:
            *whole, last = others
            yield [
                (head, tail),
                *((line, b"") if len(line) <= _LONGEST_BYTES else _longer(b"", b"", line) for line in whole),
            ]
            head, tail = _longer(b"", b"", last)
        # What lies between the two ends of a long line is never read: a progress bar in a file may have gigabytes.
        if tail and (near := log.before_newline(start) - _LONGEST_BYTES) > start:
            start, tail = near, b""
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
