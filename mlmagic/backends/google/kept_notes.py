"""What is kept here of something in Google Cloud: a file that is read, replaced whole, and held by one process."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from mlmagic.spec.codec import DecodeError, dumps, loads
from mlmagic.spec.noun import Noun
from mlmagic.workspace.files import explained, open_to_append, write_atomic

N = TypeVar("N", bound=Noun)


def read_kept(kind: type[N], path: Path) -> N | None:
    """Return what a file keeps; None before anything was written."""
    with explained(f"read {path}"):
        try:
            return loads(kind, path.read_bytes())
        except (FileNotFoundError, DecodeError):
            return None


def write_kept(path: Path, kept: Noun) -> None:
    """Replace what a file keeps, down to the disk: after a power cut nothing is to be asked for twice."""
    with explained(f"write {path}"):
        write_atomic(path, dumps(kept))


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[int | None]:
    """Hold a lock, and yield its descriptor; None if another has it. It ends with the processes that have that."""
    with explained(f"lock {path}"):
        descriptor = open_to_append(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield descriptor
    finally:
        os.close(descriptor)
