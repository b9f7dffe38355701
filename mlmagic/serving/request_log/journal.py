"""A journal that is being written: appended to, and locked for as long as its writer lives."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Sequence

from mlmagic.serving.request_log.folder import LogFolder
from mlmagic.serving.request_log.records import Head, Logged, pack, pack_head


class BudgetError(Exception):
    """The log may take no more of the disk, and nothing is left that could go."""


class JournalWriter:
    """Appends records to one file.

    Raises:
        OSError: it cannot be made.
        BudgetError: there is no room for it.
    """

    def __init__(self, folder: LogFolder, head: Head, budget: int) -> None:
        self.stem = f"{time.time_ns() // 1_000_000:013}-{os.getpid()}-{secrets.token_hex(4)}"
        self.began = time.monotonic()
        self.size = 0
        """Bytes."""
        self._folder = folder
        self._budget = budget
        folder.make()
        path = folder.journal(self.stem)
        with folder.lock():
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            # Who gets the file's own lock knows that nobody writes here any more.
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            self._append(pack_head(head))
        except BaseException:
            self.close()
            path.unlink(missing_ok=True)
            raise

    def append(self, records: Sequence[Logged]) -> None:
        """Write records, all or none of them; when this returns, it outlives this process, killed or not.

        Raises:
            OSError: they cannot be written.
            BudgetError: there is no room for them.
        """
        self._append(pack(records))

    def close(self) -> None:
        """Leave the journal to whoever converts it."""
        os.close(self._descriptor)

    def _append(self, data: bytes) -> None:
        with self._folder.lock():
            if not self._folder.make_room(len(data), self._budget):
                raise BudgetError(f"the log's budget of {self._budget} bytes is full")
            try:
                _write_all(self._descriptor, data)
            except OSError:
                # So that a later record never stands behind one that is not whole.
                os.ftruncate(self._descriptor, self.size)
                raise
            self.size += len(data)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
