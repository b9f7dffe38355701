"""Files of a running job that only grow, as a rule: looked at by `stat`, and read only where they grew."""

from __future__ import annotations

import os
from pathlib import Path

_MOST_BYTES = 1 << 16


class GrowingFile:
    """Gives what a file has got since the last look; the end of it if that is much, or if it is another file by now."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._inode = 0
        self._size = 0

    def read(self) -> tuple[bytes, bool]:
        """Return what has come, and whether it is still the same file. One that is not there has nothing.

        Where something was passed over, the bytes begin with the end of a line, and then whole ones.
        """
        try:
            status = os.stat(self._path)  # noqa: PTH116 - each second, for each running job
        except OSError:
            self._inode = self._size = 0
            return b"", False
        goes_on = status.st_ino == self._inode and status.st_size >= self._size
        if goes_on and status.st_size == self._size:
            return b"", True
        known = self._size if goes_on else 0
        start = max(known, status.st_size - _MOST_BYTES)
        data = self._from(start, status.st_size)
        self._inode, self._size = status.st_ino, start + len(data)
        if start > known:
            # Whoever reads lines is not to take the end of one for a whole.
            data = b"\n" + data.partition(b"\n")[2]
        return data, goes_on

    def _from(self, start: int, end: int) -> bytes:
        try:
            with open(self._path, "rb", buffering=0) as file:  # noqa: PTH123
                file.seek(start)
                return file.read(end - start)
        except OSError:
            return b""
