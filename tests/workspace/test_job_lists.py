"""Jobs are found by reference, listed, and queued."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mlmagic.errors import NotFoundError, UsageError
from mlmagic.spec.job import JobError, JobKind, JobRecord, JobSpec, JobState, Placement
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import ProcessIdentity
from mlmagic.workspace.rows import UNFINISHED_ROWS

Submit = Callable[..., JobRecord]
SECOND = timedelta(seconds=1)


def finish(jobs: JobStore, record: JobRecord, now: datetime, state: JobState = JobState.SUCCEEDED) -> JobRecord:
    return jobs.advance(record.id, expect=[record.state], to=state, now=now, end_time=now)


def test_an_unknown_job_is_an_error_that_names_the_nearest(
    workspace: Workspace, jobs: JobStore, submit: Submit
) -> None:
    with pytest.raises(NotFoundError) as raised:
        jobs.get("taxi")
    assert str(raised.value) == f"there is no job 'taxi'.\nThe workspace {workspace.root} has no jobs yet."
    submit()
    for call in (jobs.get, jobs.resolve):
        with pytest.raises(NotFoundError) as raised:
            call("taxo")
        assert str(raised.value) == "there is no job 'taxo'.\nDid you mean taxi?"
    with pytest.raises(NotFoundError, match="`%jobs` lists all jobs"):
        jobs.resolve("zzzzzzzz")


def test_a_reference_is_an_id_a_prefix_or_a_name(jobs: JobStore, submit: Submit, spec: JobSpec, now: datetime) -> None:
    older, newest = submit(now=now - SECOND), submit()
    other = submit(spec=replace(spec, display_name="taxi-big"))
    assert jobs.resolve(older.id) == older.id
    assert jobs.resolve("taxi") == newest.id
    assert jobs.resolve("taxi-b") == other.id
    assert jobs.resolve(older.id[:-2]) == older.id


def test_a_prefix_of_several_is_an_error_that_lists_them(jobs: JobStore, submit: Submit, now: datetime) -> None:
    ids = [submit(now=now + SECOND * number).id for number in range(7)]
    with pytest.raises(UsageError) as raised:
        jobs.resolve("taxi-2026")
    listed = "\n".join(f"  - {job_id}" for job_id in [*ids[:1:-1], "…"])
    assert str(raised.value) == f"'taxi-2026' is the beginning of several job ids:\n{listed}\nWrite more of it."


@pytest.mark.parametrize("reference", ["", "%", "tax_", "TAXI-2", "'; DROP TABLE jobs; --", "\U0010ffff"])
def test_no_character_is_special_in_a_reference(jobs: JobStore, submit: Submit, reference: str) -> None:
    submit()
    with pytest.raises(NotFoundError):
        jobs.resolve(reference)


def test_list_is_newest_first_and_filtered(jobs: JobStore, submit: Submit, spec: JobSpec, now: datetime) -> None:
    first = submit(now=now)
    second = submit(spec=replace(spec, display_name="bus", kind=JobKind.TUNING), now=now + SECOND)
    third = finish(jobs, submit(now=now + 2 * SECOND), now + 3 * SECOND)
    ids = {"first": first.id, "second": second.id, "third": third.id}
    assert [row.id for row in jobs.list()] == [ids["third"], ids["second"], ids["first"]]
    assert [row.id for row in jobs.list(limit=2)] == [ids["third"], ids["second"]]
    assert [row.id for row in jobs.list(display_name="taxi")] == [ids["third"], ids["first"]]
    assert [row.id for row in jobs.list(states=[JobState.SUCCEEDED, JobState.FAILED])] == [ids["third"]]
    assert [row.id for row in jobs.list(kinds=[JobKind.TUNING])] == [ids["second"]]
    assert jobs.list(states=[]) == []


def test_a_summary_says_what_the_record_says(jobs: JobStore, submit: Submit, now: datetime) -> None:
    record = jobs.advance(
        submit().id,
        expect=[JobState.QUEUED],
        to=JobState.FAILED,
        now=now,
        start_time=now + SECOND,
        end_time=now + 2 * SECOND,
        error=JobError(message="it failed", traceback="…"),
        model_version="taxi@1",
    )
    (row,) = jobs.list()
    for name in ("id", "state", "create_time", "start_time", "end_time", "model_version"):
        assert getattr(row, name) == getattr(record, name)
    assert (row.display_name, row.kind, row.backend) == ("taxi", JobKind.TRAINING, "local")
    assert (row.error, row.priority, row.attempt) == ("it failed", 0, 0)


def test_list_reads_columns_alone(database: Database, jobs: JobStore, submit: Submit) -> None:
    submit()
    with database.write() as connection:
        connection.execute("UPDATE records SET record = 'unreadable'")
    assert len(jobs.list()) == 1


def test_the_queue_is_by_priority_and_then_by_age(jobs: JobStore, submit: Submit, spec: JobSpec, now: datetime) -> None:
    placement = Placement(replicas={"chief": 1, "worker": 2}, cores=3.0, memory_bytes=1 << 30)
    old = submit(now=now)
    urgent = submit(spec=replace(spec, priority=5, placement=placement, environment="e1"), now=now + 2 * SECOND)
    young, idle = submit(now=now + SECOND), submit(spec=replace(spec, priority=-1), now=now - SECOND)
    finish(jobs, submit(), now)
    queue = jobs.queue()
    assert [job.id for job in queue] == [urgent.id, old.id, young.id, idle.id]
    assert (queue[0].cores, queue[0].memory_bytes, queue[0].environment) == (3.0, 1 << 30, "e1")
    assert (queue[1].cores, queue[1].memory_bytes, queue[1].environment) == (1.0, 0, None)


def test_unfinished_jobs_are_told_without_their_records(
    database: Database, jobs: JobStore, submit: Submit, now: datetime
) -> None:
    first, second, ended = submit(now=now), submit(now=now + SECOND), submit(now=now)
    finish(jobs, ended, now)
    jobs.claim(first.id, ProcessIdentity.current(), now=now + SECOND)
    with database.write() as connection:
        connection.execute("UPDATE records SET record = 'unreadable'")
    found = [(job.id, job.state, job.attempt, job.create_time, job.update_time) for job in jobs.unfinished()]
    assert found == [
        (first.id, JobState.PENDING, 1, now, now + SECOND),
        (second.id, JobState.QUEUED, 0, now + SECOND, now + SECOND),
    ]


def test_a_list_of_unfinished_jobs_reads_no_others(database: Database, jobs: JobStore, submit: Submit) -> None:
    submit()
    found: list[str] = []

    class Watched(Database):
        def _connect(self) -> sqlite3.Connection:
            connection = super()._connect()
            connection.set_trace_callback(found.append)
            return connection

    assert len(JobStore(Watched(database.workspace)).list(states=[JobState.QUEUED, JobState.RUNNING])) == 1
    with database.read() as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {found[-1]}").fetchall()
    assert "INDEX jobs_unfinished" in str(plan)


@pytest.mark.parametrize("query", ["state = 'QUEUED' ORDER BY priority DESC, create_time, id", "1 LIMIT 1"])
def test_the_queue_has_an_index_of_its_own(database: Database, query: str) -> None:
    with database.read() as connection:
        query = f"EXPLAIN QUERY PLAN SELECT * FROM jobs WHERE {UNFINISHED_ROWS} AND {query}"  # noqa: S608
        plan = str(connection.execute(query).fetchall())
    assert "USING INDEX jobs_unfinished" in plan
    assert "TEMP B-TREE" not in plan
