from __future__ import annotations

import dataclasses
import sqlite3
import threading
import warnings
from collections.abc import Callable
from contextlib import closing
from datetime import datetime

import pytest

from mlmagic.errors import WorkspaceWarning
from mlmagic.spec import codec
from mlmagic.spec.job import JobKind, JobRecord, JobSpec, JobState
from mlmagic.workspace.database import Database
from mlmagic.workspace.events import EventLog
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace

OLD_TABLES = """
DROP TABLE jobs; DROP TABLE records; DROP INDEX events_by_subject;
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, display_name TEXT NOT NULL, kind TEXT NOT NULL, backend TEXT NOT NULL, state TEXT NOT NULL,
    create_time INTEGER NOT NULL, start_time INTEGER, end_time INTEGER, model_version TEXT, error TEXT,
    record TEXT NOT NULL
);
CREATE INDEX jobs_by_time ON jobs (create_time, id);
CREATE INDEX jobs_by_name ON jobs (display_name, create_time, id);
PRAGMA user_version = 1;
"""


@pytest.fixture
def make_old(workspace: Workspace) -> Callable[[dict[str, str]], None]:
    """Bring the database back to format 1, with these documents for records."""

    def make(records: dict[str, str]) -> None:
        with closing(sqlite3.connect(workspace.database)) as connection, connection:
            connection.executescript(OLD_TABLES)
            row = "INSERT INTO jobs VALUES (?, 'taxi', 'training', 'local', 'QUEUED', 1, NULL, NULL, NULL, NULL, ?)"
            connection.executemany(row, records.items())

    return make


WITHOUT_4 = "DROP INDEX jobs_by_parent; ALTER TABLE jobs DROP COLUMN parent; ALTER TABLE jobs DROP COLUMN trial;"


def test_an_older_database_keeps_its_jobs_and_events(
    database: Database,
    jobs: JobStore,
    submit: Callable[..., JobRecord],
    make_old: Callable[[dict[str, str]], None],
) -> None:
    records = [submit() for _ in range(3)]
    events, listed = EventLog(database).after(0), jobs.list()
    make_old({record.id: codec.dumps(record, indent=None) for record in records})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert jobs.list() == listed
    assert [jobs.get(record.id) for record in records] == records
    assert EventLog(database).after(0) == events
    assert submit().id in {job.id for job in jobs.queue()}


def test_a_database_of_format_2_gets_the_columns_of_datasets(
    workspace: Workspace, jobs: JobStore, submit: Callable[..., JobRecord], now: datetime
) -> None:
    record, listed = submit(), jobs.list()
    with closing(sqlite3.connect(workspace.database)) as connection, connection:
        connection.executescript(
            f"{WITHOUT_4} ALTER TABLE jobs DROP COLUMN dataset; ALTER TABLE jobs DROP COLUMN dataset_version; "
            "PRAGMA user_version = 2;"
        )
    assert jobs.list() == listed
    assert jobs.get(record.id) == record
    jobs.advance(record.id, expect={record.state}, to=JobState.FAILED, now=now, dataset_version="taxi@1")
    assert jobs.list()[0].dataset_version == "taxi@1"


def test_a_database_of_format_3_gets_the_columns_of_trials(
    workspace: Workspace, jobs: JobStore, submit: Callable[..., JobRecord], spec: JobSpec
) -> None:
    study = submit(dataclasses.replace(spec, kind=JobKind.TUNING))
    with closing(sqlite3.connect(workspace.database)) as connection, connection:
        connection.executescript(f"{WITHOUT_4} PRAGMA user_version = 3;")
    trial = submit(dataclasses.replace(spec, parent=study.id, trial=3))
    assert trial.id == f"{study.id}-3"
    (row,) = jobs.list(parent=study.id)
    assert (row.id, row.parent, row.trial) == (trial.id, study.id, 3)
    assert [row.id for row in jobs.list(trials=False)] == [study.id]


def test_a_row_that_cannot_be_read_is_told_and_its_folder_stays(
    workspace: Workspace,
    jobs: JobStore,
    submit: Callable[..., JobRecord],
    make_old: Callable[[dict[str, str]], None],
) -> None:
    good, bad = submit(), submit()
    make_old({good.id: codec.dumps(good), bad.id: "{}"})
    with pytest.warns(WorkspaceWarning, match=f"without these jobs, which could not be read: {bad.id}"):
        assert [row.id for row in jobs.list()] == [good.id]
    assert workspace.job(bad.id).spec.exists()


def test_of_many_readers_one_brings_it_up_to_date(
    jobs: JobStore, submit: Callable[..., JobRecord], make_old: Callable[[dict[str, str]], None]
) -> None:
    record = submit()
    make_old({record.id: codec.dumps(record)})
    found: list[JobRecord] = []
    threads = [threading.Thread(target=lambda: found.append(jobs.get(record.id))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [record] * 6
