"""Journals to Parquet. Killed anywhere, it leaves the journal, or the whole Parquet file, or both."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from mlmagic.serving.request_log.folder import LogFolder, is_locked
from mlmagic.serving.request_log.records import unpack
from mlmagic.serving.request_log.tables import to_table

TORN = b"mlmagic.torn"
"""In the metadata of a file: how many records of its journal were not whole."""
_UNFINISHED = ".tmp"


def convert_journals(root: Path) -> list[str]:
    """Convert all journals that nobody writes any more, and return their stems. One process at a time does so.

    Raises:
        OSError: a journal cannot be read, or its file not be written; it stays, and the others are converted.
    """
    folder = LogFolder(root)
    with _alone(root) as is_alone:
        if not is_alone:
            return []
        for left in root.glob(f".*{_UNFINISHED}"):
            # Whoever wrote it was killed.
            left.unlink(missing_ok=True)
        converted: list[str] = []
        errors: list[OSError] = []
        for stem in sorted(folder.usage().journals):
            try:
                if _convert(folder, stem):
                    converted.append(stem)
            except OSError as error:
                errors.append(error)
    if errors:
        raise errors[0]
    return converted


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[bool]:
    descriptor = os.open(root / ".convert.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield not is_locked(descriptor)
    finally:
        os.close(descriptor)


def _convert(folder: LogFolder, stem: str) -> bool:
    import pyarrow.parquet as pq

    path, target = folder.journal(stem), folder.parquet(stem)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        with folder.lock():
            # Somebody may be about to lock what he has just made.
            has_writer = is_locked(descriptor)
        if has_writer:
            return False
        # One that is there is whole: who renamed it was killed before the journal was gone.
        journal = None if target.exists() else unpack(file.read())
        if journal is not None and (journal.records or journal.torn):
            table = to_table(journal.head, journal.records)
            table = table.replace_schema_metadata({TORN: str(journal.torn)})
            temporary = folder.root / f".{stem}{_UNFINISHED}"
            try:
                with open(temporary, "wb", opener=_open_private) as out:
                    pq.write_table(table, out, compression="zstd")
                    out.flush()
                    os.fsync(out.fileno())
                with folder.lock():
                    temporary.replace(target)
                    path.unlink()
            except BaseException:
                # Where the disk is full, what is not finished only takes room.
                temporary.unlink(missing_ok=True)
                raise
        else:
            path.unlink()
    return True


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
