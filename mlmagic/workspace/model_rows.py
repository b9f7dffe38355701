"""Versions as rows of the database. What can be told without them stands in their folders, which the rows follow."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.errors import NotFoundError
from mlmagic.spec import codec
from mlmagic.spec.model import ModelVersion
from mlmagic.workspace.events import add_event
from mlmagic.workspace.layout import DELETED_PREFIX, ModelFolder
from mlmagic.workspace.moving import deleted_numbers, version_numbers
from mlmagic.workspace.version_folder import read_version

if TYPE_CHECKING:
    import sqlite3

_TOLD_NUMBERS = 10


def adopt_versions(connection: sqlite3.Connection, folder: ModelFolder) -> tuple[list[ModelVersion], list[str]]:
    """Give rows to versions that have none, because a process was killed or the database is new.

    Returns:
        Those versions, and what to tell of folders that hold none.
    """
    model = folder.root.name
    finish_deletions(connection, folder)
    adopted, problems = [], []
    for number in sorted(version_numbers(folder.root) - set(_numbers_of_rows(connection, model))):
        try:
            adopted.append(read_version(folder.version(number)))
        except (OSError, codec.DecodeError) as error:
            problems.append(f"left out {folder.version(number).root}: {error}")
        else:
            write_version(connection, adopted[-1])
    return adopted, problems


def adopt(connection: sqlite3.Connection, folder: ModelFolder) -> None:
    """Give rows to versions that have none, and tell of them."""
    for adopted in adopt_versions(connection, folder)[0]:
        add_version_event(connection, adopted)


def finish_deletions(connection: sqlite3.Connection, folder: ModelFolder) -> None:
    """Do what a process that was killed had still to do: a version is deleted as soon as it has its tombstone."""
    deleted = deleted_numbers(folder.root)
    for number in deleted & version_numbers(folder.root):
        shutil.rmtree(put_aside(folder, number), ignore_errors=True)
    for number in deleted.intersection(_numbers_of_rows(connection, folder.root.name)):
        delete_row(connection, folder.root.name, number)


def put_aside(folder: ModelFolder, number: int) -> Path:
    """Rename a version's folder out of its place, and return where it is now."""
    return folder.version(number).root.rename(folder.root / f"{DELETED_PREFIX}{number}-{secrets.token_hex(4)}")


def write_version(connection: sqlite3.Connection, version: ModelVersion) -> None:
    """Insert a version's row in the transaction that the connection is in."""
    connection.execute(
        "INSERT INTO versions (model, number, job_id, record) VALUES (?, ?, ?, ?)",
        (version.model, version.number, version.origin.job_id, codec.dumps(version, indent=None)),
    )


def delete_row(connection: sqlite3.Connection, model: str, number: int) -> None:
    """Remove a version's row in the transaction that the connection is in."""
    connection.execute("DELETE FROM versions WHERE model = ? AND number = ?", (model, number))


def add_version_event(
    connection: sqlite3.Connection, version: ModelVersion, kind: str = "version", now: datetime | None = None
) -> None:
    """Tell of a version that there is now, or not any more."""
    add_event(connection, f"model:{version.model}", kind, {"version": str(version)}, now or version.create_time)


def version_of_job(connection: sqlite3.Connection, model: str, job_id: str | None) -> ModelVersion | None:
    """Return the version that a job has made."""
    query = "SELECT record FROM versions WHERE model = ? AND job_id = ? ORDER BY number"
    row = connection.execute(query, (model, job_id)).fetchone()
    return codec.loads(ModelVersion, row[0]) if row else None


def model_names(connection: sqlite3.Connection) -> list[str]:
    """Return the names of all models that have a version, in order."""
    return [name for (name,) in connection.execute("SELECT DISTINCT model FROM versions ORDER BY model")]


def numbers(connection: sqlite3.Connection, folder: ModelFolder) -> list[int]:
    """Return the numbers of a model's versions in order; none if there is no such model."""
    found = _numbers_of_rows(connection, folder.root.name)
    # Without a row there need not be a folder.
    deleted = deleted_numbers(folder.root) if found and folder.root.is_dir() else set()
    return [number for number in found if number not in deleted]


def select(connection: sqlite3.Connection, folder: ModelFolder, number: int) -> ModelVersion:
    """Return a version.

    Raises:
        NotFoundError: there is no such version.
    """
    model = folder.root.name
    known = numbers(connection, folder)
    if number not in known:
        hint = _told_numbers(known)
        if folder.tombstone(number).exists():
            raise NotFoundError(f"model version {model}@{number} was deleted.", hint=hint)
        raise NotFoundError(f"model {model!r} has no version {number}.", hint=hint)
    return records(connection, model, [number])[0]


def records(connection: sqlite3.Connection, model: str, wanted: Sequence[int]) -> list[ModelVersion]:
    """Return those of some versions that have rows, in order of number."""
    query = "SELECT number, record FROM versions WHERE model = ? AND number BETWEEN ? AND ? ORDER BY number"
    rows = connection.execute(query, (model, min(wanted), max(wanted))) if wanted else ()
    chosen = frozenset(wanted)
    return [codec.loads(ModelVersion, text) for number, text in rows if number in chosen]


def next_number(connection: sqlite3.Connection, folder: ModelFolder) -> int:
    """Return a number that no version has or had."""
    taken = version_numbers(folder.root) | deleted_numbers(folder.root)
    return max({*_numbers_of_rows(connection, folder.root.name), *taken}, default=0) + 1


def _numbers_of_rows(connection: sqlite3.Connection, model: str) -> list[int]:
    query = "SELECT number FROM versions WHERE model = ? ORDER BY number"
    return [number for (number,) in connection.execute(query, (model,))]


def _told_numbers(known: Sequence[int]) -> str:
    first, last = known[0], known[-1]
    if first == last:
        return f"It has version {first} alone."
    if last - first + 1 == len(known):
        return f"It has versions {first} to {last}."
    if len(known) > _TOLD_NUMBERS:
        return f"It has {len(known)} versions, {first} to {last}."
    return f"It has versions {', '.join(map(str, known[:-1]))} and {last}."
