"""Where the lines of a log begin, found without keeping them: how many lines end before each block of the file.

A log is read once from its beginning to be counted, and from then on only where it grew.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import BinaryIO

_BLOCK = 1 << 16
_CHUNK = 64 * _BLOCK
_MOST_INDEXES = 64
_KNOWN_BYTES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LogExtent:
    """How far a log reaches."""

    lines: int
    """The last one counts also while nothing has ended it."""
    size_bytes: int


class LogIndex:
    """The index of one log. A file that became shorter, or has another beginning, is another log. Safe in threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._forget()

    def _forget(self) -> None:
        self._inode = 0
        self._size = 0
        self._ended = 0
        """How many lines have ended."""
        self._before = array("Q")
        """How many lines end before each block that is there in full or begun."""
        self._known = b""
        """The last bytes that were counted."""

    def update(self) -> LogExtent:
        """Count what has come since the last time; a file that is not there has no lines.

        Raises:
            OSError: it cannot be read.
        """
        with self._lock:
            try:
                with _open(self.path) as file:
                    return self._extend(file)
            except FileNotFoundError:
                self._forget()
                return LogExtent(lines=0, size_bytes=0)

    def start_of(self, line: int) -> int:
        """Return at which byte a line begins, of those that were counted; the end of the file for one behind them.

        Raises:
            OSError: it cannot be read.
        """
        with self._lock:
            if line <= 0:
                return 0
            if line > self._ended:
                return self._size
            # The line begins behind the newline that ends the one before it.
            block = bisect_right(self._before, line - 1) - 1
            with _open(self.path) as file:
                file.seek(block * _BLOCK)
                data = file.read(_BLOCK)
            at = -1
            for _ in range(line - self._before[block]):
                at = data.find(b"\n", at + 1)
                if at < 0:
                    return self._size  # the file was replaced just now
            return block * _BLOCK + at + 1

    def _extend(self, file: BinaryIO) -> LogExtent:
        status = os.fstat(file.fileno())
        if status.st_ino != self._inode or status.st_size < self._size or not self._goes_on(file):
            self._forget()
            self._inode = status.st_ino
        if status.st_size > self._size:
            self._count(file, status.st_size)
        is_open = self._known != b"" and not self._known.endswith(b"\n")
        return LogExtent(lines=self._ended + is_open, size_bytes=self._size)

    def _goes_on(self, file: BinaryIO) -> bool:
        """Say whether what was counted is still there: a file may be emptied, and be as long again at the next look."""
        file.seek(self._size - len(self._known))
        return file.read(len(self._known)) == self._known

    def _count(self, file: BinaryIO, size: int) -> None:
        file.seek(self._size)
        while self._size < size:
            data = file.read(min(_CHUNK - self._size % _BLOCK, size - self._size))
            if not data:
                return
            at = 0
            while at < len(data):
                room = _BLOCK - (self._size + at) % _BLOCK
                if room == _BLOCK:
                    self._before.append(self._ended)
                self._ended += data.count(b"\n", at, at + room)
                at += room
            self._size += len(data)
            self._known = (self._known + data[-_KNOWN_BYTES:])[-_KNOWN_BYTES:]


class LogIndexes:
    """The indexes of the logs that were looked at last. Safe in threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._indexes: OrderedDict[Path, LogIndex] = OrderedDict()

    def of(self, path: Path) -> LogIndex:
        """Return the index of a log."""
        with self._lock:
            index = self._indexes.pop(path, None) or LogIndex(path)
            self._indexes[path] = index
            if len(self._indexes) > _MOST_INDEXES:
                self._indexes.popitem(last=False)
            return index


def _open(path: Path) -> BinaryIO:
    # Opening waits for nobody, should it be a pipe by this name.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    return open(descriptor, "rb", buffering=0)  # noqa: PTH123 - a descriptor, not a path
