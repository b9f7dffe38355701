"""The tables of the database, and what becomes of those that an older mlmagic made."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mlmagic.spec import codec
from mlmagic.spec.job import JobRecord
from mlmagic.workspace.rows import UNFINISHED_ROWS, write_job

if TYPE_CHECKING:
    import sqlite3

FORMAT = 4
"""Of the tables below, kept in SQLite's `user_version`; 0 is a database that is still empty."""

_SINCE_1 = (
    """CREATE TABLE versions (
        model TEXT NOT NULL, number INTEGER NOT NULL, job_id TEXT, record TEXT NOT NULL, PRIMARY KEY (model, number)
    )""",
    "CREATE INDEX versions_by_job ON versions (model, job_id)",
    """CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, subject TEXT NOT NULL, kind TEXT NOT NULL,
        payload TEXT NOT NULL
    )""",
)

# What lists and filters look at is in short rows: whole records beside it would make them read five times as much.
_SINCE_2 = (
    """CREATE TABLE jobs (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, display_name TEXT NOT NULL, kind TEXT NOT NULL,
        backend TEXT NOT NULL, state TEXT NOT NULL, create_time INTEGER NOT NULL, start_time INTEGER, end_time INTEGER,
        update_time INTEGER NOT NULL, priority INTEGER NOT NULL, attempt INTEGER NOT NULL, exit_code INTEGER,
        model TEXT, model_version TEXT, scale_tier TEXT NOT NULL, error TEXT, labels TEXT, flags TEXT, metrics TEXT,
        cores REAL NOT NULL, memory_bytes INTEGER NOT NULL, environment TEXT
    )""",
    "CREATE INDEX jobs_by_time ON jobs (create_time, id)",
    "CREATE INDEX jobs_by_name ON jobs (display_name, create_time, id)",
    # As long as the queue, however many jobs have ended.
    f"CREATE INDEX jobs_unfinished ON jobs (state, priority DESC, create_time, id) WHERE {UNFINISHED_ROWS}",
    "CREATE TABLE records (number INTEGER PRIMARY KEY, record TEXT NOT NULL)",
    "CREATE INDEX events_by_subject ON events (subject, id)",
)

_SINCE_3 = (
    "ALTER TABLE jobs ADD COLUMN dataset TEXT",
    "ALTER TABLE jobs ADD COLUMN dataset_version TEXT",
)

_SINCE_4 = (
    "ALTER TABLE jobs ADD COLUMN parent TEXT",
    "ALTER TABLE jobs ADD COLUMN trial INTEGER",
    "CREATE INDEX jobs_by_parent ON jobs (parent, trial) WHERE parent IS NOT NULL",
)

_NEWER_THAN = {2: (*_SINCE_3, *_SINCE_4), 3: _SINCE_4}
"""What is missing in tables of a format, and can be added to them as they are."""


def format_of(connection: sqlite3.Connection) -> int:
    """Return the format of the tables in a database."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def make_tables(connection: sqlite3.Connection) -> None:
    """Make all tables in the transaction that the connection is in."""
    for statement in (*_SINCE_1, *_SINCE_2, *_SINCE_3, *_SINCE_4):
        connection.execute(statement)
    # A reader that has seen event N asks for those after N: a rebuilt database must not begin at 1 again.
    first = int(time.time() * 1000)
    connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)", (first,))
    _set_format(connection)


def bring_up_to_date(connection: sqlite3.Connection) -> list[str]:
    """Turn tables of an older format into those of now, in the transaction that the connection is in; events stay.

    Returns:
        The ids of jobs whose rows could not be read. Their folders stay where they are.
    """
    found = format_of(connection)
    # Nothing was preprocessed before format 3, nor tuned before 4: there is nothing to fill their columns with.
    for statement in _NEWER_THAN.get(found, ()):
        connection.execute(statement)
    left_out = _from_1(connection) if found == 1 else []
    _set_format(connection)
    return left_out


def _from_1(connection: sqlite3.Connection) -> list[str]:
    left_out = []
    connection.execute("ALTER TABLE jobs RENAME TO jobs_of_format_1")
    for index in ("jobs_by_time", "jobs_by_name"):
        connection.execute(f"DROP INDEX {index}")
    for statement in (*_SINCE_2, *_SINCE_3, *_SINCE_4):
        connection.execute(statement)
    for job_id, text in connection.execute("SELECT id, record FROM jobs_of_format_1 ORDER BY create_time"):
        try:
            write_job(connection, codec.loads(JobRecord, text))
        except codec.DecodeError:
            left_out.append(job_id)
    connection.execute("DROP TABLE jobs_of_format_1")
    return left_out


def _set_format(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA user_version = {FORMAT}")
