"""Ports of the loopback interface for the members of a cluster, kept apart from those of all other clusters.

A port that is free now may be taken before the program listens on it. Against this user's other jobs a lock on a file
of the port's name helps; against everybody else, that the range lies below the one that systems give ports from.
"""

from __future__ import annotations

import os
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

from mlmagic.workspace.files import make_folder

FIRST, LAST = 20000, 31999


class Ports:
    """Ports that are this process's until it closes this or ends. `folder` is the same for all jobs of the user."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: list[tuple[Path, int]] = []

    def hold(self, count: int, *, seed: str) -> list[int]:
        """Return so many ports on which nobody listens; `seed` says where to begin, so that jobs seldom meet.

        Raises:
            OSError: there are not as many left, or the folder cannot be written.
        """
        make_folder(self._folder)
        found: list[int] = []
        for port in _candidates(seed):
            if len(found) == count:
                break
            if self._lock(port):
                found.append(port)
        if len(found) < count:
            raise OSError(f"no {count} ports between {FIRST} and {LAST} are free")
        return found

    def close(self) -> None:
        """Give the ports back."""
        while self._locks:
            path, descriptor = self._locks.pop()
            # Under the lock: whoever waits for this very file finds that it is no longer the one of that name.
            path.unlink(missing_ok=True)
            os.close(descriptor)

    def _lock(self, port: int) -> bool:
        import fcntl

        path = self._folder / str(port)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = path.stat().st_ino == os.fstat(descriptor).st_ino and _is_free(port)
        except (BlockingIOError, FileNotFoundError):
            is_ours = False
        if is_ours:
            self._locks.append((path, descriptor))
        else:
            os.close(descriptor)
        return is_ours


def _candidates(seed: str) -> Iterator[int]:
    size = LAST - FIRST + 1
    start = zlib.crc32(seed.encode()) % size
    return (FIRST + (start + step) % size for step in range(size))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
