"""The lock by which a workspace has one agent: taken by who starts it, and inherited by it."""

from __future__ import annotations

import os
from pathlib import Path

from mlmagic.workspace.files import open_to_append


def take_lock(path: Path) -> int | None:
    """Return a descriptor that holds the lock until it and its copies are closed; None if somebody holds it.

    Raises:
        OSError: the file cannot be made, or its file system has no locks.
    """
    import fcntl

    while True:
        descriptor = open_to_append(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if holds_lock(path, descriptor):
                # Its age tells how long whoever holds it has had to start.
                os.utime(descriptor)
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        # Somebody has put another file in its place in between.
        os.close(descriptor)


def holds_lock(path: Path, descriptor: int) -> bool:
    """Say whether the descriptor's lock is the one that counts: the file may have been removed, or made again."""
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
