"""Where the lines of a log begin, found without keeping them: how many lines end before each block of the file.

A log is read once from its beginning to be counted, and from then on only where it grew.
"""

from __future__ import annotations

import os
import secrets
from array import array
from bisect import bisect_right
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

_BLOCK = 1 << 16
_CHUNK = 64 * _BLOCK
_MOST_INDEXES = 64
_KNOWN_BYTES = 64


class _Counted:
    """The lines of one file as far as they were counted. It only grows: what begins anew is another one."""

    __slots__ = ("before", "ended", "inode", "known", "name", "size")

    def __init__(self, inode: int) -> None:
        self.inode = inode
        self.name = secrets.token_hex(4)
        self.size = 0
        self.ended = 0
        """How many lines have ended."""
        self.before = array("Q")
        """How many lines end before each block that is there in full or begun."""
        self.known = b""
        """The last bytes that were counted."""

    def goes_on_in(self, descriptor: int, status: os.stat_result) -> bool:
        """Say whether what was counted is still there: a file may be emptied, and be as long again at the next look."""
        if status.st_ino != self.inode or status.st_size < self.size:
            return False
        return os.pread(descriptor, len(self.known), self.size - len(self.known)) == self.known

    def count(self, descriptor: int, size: int) -> None:
        """Count what has come."""
        while self.size < size:
            data = os.pread(descriptor, min(_CHUNK - self.size % _BLOCK, size - self.size), self.size)
            if not data:
                return
            at = 0
            while at < len(data):
                room = _BLOCK - (self.size + at) % _BLOCK
                if room == _BLOCK:
                    self.before.append(self.ended)
                self.ended += data.count(b"\n", at, at + room)
                at += room
            self.size += len(data)
            self.known = (self.known + data[-_KNOWN_BYTES:])[-_KNOWN_BYTES:]


class OpenLog:
    """A log as it was when it was opened, whatever becomes of the file by that name; to be closed."""

    def __init__(self, descriptor: int | None, counted: _Counted) -> None:
        self._descriptor = descriptor
        self._before = counted.before
        self._ended = counted.ended
        self.size_bytes = counted.size
        is_open = counted.known != b"" and not counted.known.endswith(b"\n")
        self.lines = counted.ended + is_open
        """The last one counts also while nothing has ended it."""
        self.file = counted.name
        """Tells this file from another by the same name."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Hold the file open no longer."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def read(self, start: int, count: int) -> bytes:
        """Return bytes of what was there when it was opened; fewer at its end, or if the file was shortened since.

        Raises:
            OSError: it cannot be read.
        """
        count = min(count, self.size_bytes - start)
        return b"" if self._descriptor is None or count <= 0 else os.pread(self._descriptor, count, start)

    def start_of(self, line: int) -> int:
        """Return at which byte a line begins; the end of the log for one behind its last.

        Raises:
            OSError: it cannot be read.
        """
        if line <= 0:
            return 0
        if line > self._ended:
            return self.size_bytes
        # The line begins behind the newline that ends the one before it.
        block = bisect_right(self._before, line - 1) - 1
        data = self.read(block * _BLOCK, _BLOCK)
        at = -1
        for _ in range(line - self._before[block]):
            at = data.find(b"\n", at + 1)
            if at < 0:
                return self.size_bytes  # the file was emptied just now
        return block * _BLOCK + at + 1

    def before_newline(self, start: int) -> int:
        """Return a byte from `start` on before which no line ends, near to where the next one does."""
        block = start // _BLOCK
        if block >= len(self._before):
            return start
        last = bisect_right(self._before, self._before[block], lo=block) - 1
        return max(start, min(last * _BLOCK, self.size_bytes))


class LogIndex:
    """The index of one log. A file that became shorter, or has another beginning, is another log. Safe in threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._counted = _Counted(0)

    def open(self) -> OpenLog:
        """Open the log, and count what has come since the last time; a file that is not there has no lines.

        Raises:
            OSError: it cannot be read.
        """
        try:
            # Opening waits for nobody, should it be a pipe by this name.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            with self._lock:
                self._counted = _Counted(0)
                return OpenLog(None, self._counted)
        try:
            with self._lock:
                return self._opened(descriptor)
        except BaseException:
            os.close(descriptor)
            raise

    def _opened(self, descriptor: int) -> OpenLog:
        status = os.fstat(descriptor)
        counted = self._counted
        if counted.size and not counted.goes_on_in(descriptor, status):
            counted = _Counted(status.st_ino)
        counted.inode = status.st_ino
        counted.count(descriptor, status.st_size)
        self._counted = counted
        return OpenLog(descriptor, counted)


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
