"""Space kept back, so that a job's end can be written on a disk that its program has filled."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from mlmagic.workspace.files import write_new

RESERVE_BYTES = 512 * 1024
"""Room for the exit record, the last lines of the log, and the database's pages."""


class Reserve:
    """Space on the job's disk, taken before the program runs and given back when the job's end is to be written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self) -> None:
        """Take the space, if there is still enough; a disk that is already full is found out later, by the program."""
        try:
            if hasattr(os, "posix_fallocate"):
                self._allocate()
            else:
                # Zeros could be stored as a hole, which is no space at all.
                write_new(self._path, os.urandom(RESERVE_BYTES))
        except OSError:
            # The last of the space is the program's.
            self.give_back()

    def _allocate(self) -> None:
        # A thirtieth of the time of writing it.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        finally:
            os.close(descriptor)

    def give_back(self) -> None:
        """Free the space."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def disk_is_full(folder: Path) -> bool:
    """Say whether a program that writes below the folder would have run out of space."""
    try:
        status = os.statvfs(folder)
    except OSError as error:
        return error.errno == errno.ENOSPC
    return status.f_bavail * status.f_frsize < 64 * 1024 or (status.f_files > 0 and status.f_favail == 0)
