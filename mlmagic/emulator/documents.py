"""The resources of the APIs that are no files: documents by name, in SQLite.

A document is the resource's message as a dictionary, as services see it. What a call has written is there after the
process is killed. Safe for threads; one process has the file.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlmagic.emulator.errors import already_exists, not_found
from mlmagic.workspace.files import open_to_append

Document = dict[str, Any]

_TABLES = """
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    parent TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 0,
    document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_parent ON documents (kind, parent);
CREATE TABLE IF NOT EXISTS ids (number INTEGER PRIMARY KEY AUTOINCREMENT);
"""
_FIRST_ID = 4_600_000_000_000_000_000
"""Ids are numbers of 19 digits, as Vertex AI's are."""


def now() -> str:
    """Return the time in RFC 3339, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class DocumentStore:
    """Documents by name; a name is `PARENT/COLLECTION/ID`."""

    def __init__(self, path: Path) -> None:
        open_to_close = open_to_append(path)
        self._lock = threading.Lock()
        self._connection = _connect(path, open_to_close)
        with self._lock:
            self._connection.executescript(_TABLES)

    def put(self, name: str, kind: str, document: Document) -> None:
        """Keep a new document.

        Raises:
            ApiError: ALREADY_EXISTS.
        """
        row = (name, kind, name.rsplit("/", 2)[0], json.dumps(document))
        try:
            with self._lock, self._connection as rows:
                rows.execute("INSERT INTO documents (name, kind, parent, document) VALUES (?, ?, ?, ?)", row)
        except sqlite3.IntegrityError:
            raise already_exists(name) from None

    def get(self, name: str) -> Document:
        """Return a document.

        Raises:
            ApiError: NOT_FOUND.
        """
        return self._read(name)[0]

    def find(self, name: str) -> Document | None:
        """Return a document, or None if there is none of that name."""
        with self._lock:
            row = self._connection.execute("SELECT document FROM documents WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def list(self, kind: str, parent: str | None = None) -> list[Document]:
        """Return the documents of a kind, the newest first; below a parent, or anywhere."""
        where, values = ("kind = ?", [kind]) if parent is None else ("kind = ? AND parent = ?", [kind, parent])
        with self._lock:
            rows = self._connection.execute(
                f"SELECT document FROM documents WHERE {where} ORDER BY number DESC",  # noqa: S608 - two fixed texts
                values,
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def update(self, name: str, change: Callable[[Document], Document | None]) -> Document:
        """Change a document and return it. `change` gets a copy, and returns what is to be kept, or None: the copy.

        It is called again if somebody else was faster, so it must do nothing else; what it raises leaves all as it was.

        Raises:
            ApiError: NOT_FOUND, or what `change` raises.
        """
        while True:
            document, version = self._read(name)
            changed = change(document)
            kept = document if changed is None else changed
            with self._lock, self._connection as rows:
                done = rows.execute(
                    "UPDATE documents SET document = ?, version = version + 1 WHERE name = ? AND version = ?",
                    (json.dumps(kept), name, version),
                )
            if done.rowcount:
                return kept

    def delete(self, name: str) -> None:
        """Forget a document.

        Raises:
            ApiError: NOT_FOUND.
        """
        with self._lock, self._connection as rows:
            if not rows.execute("DELETE FROM documents WHERE name = ?", (name,)).rowcount:
                raise not_found(name)

    def next_id(self) -> str:
        """Return an id that was never given before: a number of 19 digits."""
        with self._lock, self._connection as rows:
            return str(_FIRST_ID + (rows.execute("INSERT INTO ids DEFAULT VALUES").lastrowid or 0))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _read(self, name: str) -> tuple[Document, int]:
        with self._lock:
            row = self._connection.execute("SELECT document, version FROM documents WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise not_found(name)
        return json.loads(row[0]), row[1]


def _connect(path: Path, made: int) -> sqlite3.Connection:
    import os

    # Made before, so that nobody else may read it.
    os.close(made)
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection
