"""What is known of files that are objects beyond the files themselves, in SQLite.

A row belongs to one content of one file: it has the file's inode, size and time of change. It is written before the
file is put in its place, beside the row of the file before; so whenever the process is killed, the file that is there
has its row. A file without one was written by somebody else, and is an object all the same.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlmagic.workspace.files import open_to_append

_TABLES = """
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, properties TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL,
    name TEXT NOT NULL,
    inode INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    known TEXT NOT NULL,
    PRIMARY KEY (bucket, name, inode, size, mtime_ns)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, upload TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Which content of a file is meant."""

    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """Return a file's stamp as it is now.

        Raises:
            OSError: there is no file.
        """
        return cls.of_stat(path.stat(follow_symlinks=False))

    @classmethod
    def of_stat(cls, stat: os.stat_result) -> Stamp:
        """Return the stamp of an open file."""
        return cls(inode=stat.st_ino, size=stat.st_size, mtime_ns=stat.st_mtime_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a row tells of an object."""

    generation: int
    """Microseconds since 1970 at which it was written, or one more than the one before."""
    metageneration: int = 1
    md5: str | None = None
    crc32c: str | None = None
    """None: not yet computed."""
    components: int | None = None
    """Of how many objects it was composed."""
    created: str = ""
    updated: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    """What the writer may choose: `contentType`, `metadata` and so on, as the API spells it."""


class Rows:
    """The rows of one store; safe for threads."""

    def __init__(self, path: Path) -> None:
        os.close(open_to_append(path))
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_TABLES)

    def known(self, bucket: str, name: str, stamp: Stamp) -> Known | None:
        """Return what is known of an object with this content."""
        row = self._one(
            "SELECT known FROM objects WHERE bucket = ? AND name = ? AND inode = ? AND size = ? AND mtime_ns = ?",
            bucket, name, stamp.inode, stamp.size, stamp.mtime_ns,
        )  # fmt: skip
        return None if row is None else Known(**json.loads(row))

    def keep(self, bucket: str, name: str, stamp: Stamp, known: Known) -> None:
        """Write what is known of an object with this content."""
        told = {name: getattr(known, name) for name in Known.__dataclass_fields__}
        self._do(
            "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)",
            bucket, name, stamp.inode, stamp.size, stamp.mtime_ns, json.dumps(told),
        )  # fmt: skip

    def forget(self, bucket: str, name: str, *, but: Stamp | None = None) -> None:
        """Delete the rows of an object, but for the one with this content."""
        kept = but or Stamp(inode=-1, size=-1, mtime_ns=-1)
        self._do(
            "DELETE FROM objects WHERE bucket = ? AND name = ? AND NOT (inode = ? AND size = ? AND mtime_ns = ?)",
            bucket, name, kept.inode, kept.size, kept.mtime_ns,
        )  # fmt: skip

    def bucket(self, name: str) -> dict[str, Any]:
        """Return what is known of a bucket; nothing, of a folder that somebody made."""
        row = self._one("SELECT properties FROM buckets WHERE name = ?", name)
        return {} if row is None else json.loads(row)

    def keep_bucket(self, name: str, properties: dict[str, Any]) -> None:
        """Write what is known of a bucket."""
        self._do("INSERT OR REPLACE INTO buckets VALUES (?, ?)", name, json.dumps(properties))

    def forget_bucket(self, name: str) -> None:
        """Delete what is known of a bucket and of what was in it."""
        self._do("DELETE FROM objects WHERE bucket = ?", name)
        self._do("DELETE FROM buckets WHERE name = ?", name)

    def upload(self, upload_id: str) -> dict[str, Any] | None:
        """Return what is known of a resumable upload."""
        row = self._one("SELECT upload FROM uploads WHERE id = ?", upload_id)
        return None if row is None else json.loads(row)

    def keep_upload(self, upload_id: str, upload: dict[str, Any]) -> None:
        """Write what is known of a resumable upload."""
        self._do("INSERT OR REPLACE INTO uploads VALUES (?, ?)", upload_id, json.dumps(upload))

    def forget_upload(self, upload_id: str) -> None:
        """Delete what is known of a resumable upload."""
        self._do("DELETE FROM uploads WHERE id = ?", upload_id)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _do(self, statement: str, *values: Any) -> None:
        with self._lock:
            self._connection.execute(statement, values)

    def _one(self, statement: str, *values: Any) -> str | None:
        with self._lock:
            row = self._connection.execute(statement, values).fetchone()
        return None if row is None else str(row[0])
