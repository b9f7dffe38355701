from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from mlmagic.spec.job import JobRecord, JobState
from mlmagic.spec.report import StateChange
from mlmagic.workspace.database import Database
from mlmagic.workspace.events import EventLog, add_event
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.processes import ProcessIdentity


def test_events_come_in_order_and_after_the_one_that_was_seen(
    database: Database, jobs: JobStore, submit: Callable[..., JobRecord], now: datetime
) -> None:
    log, record = EventLog(database), submit()
    assert [event.id for event in log.after(0)] == [log.last_id()]
    seen = log.last_id()
    for state in (JobState.PENDING, JobState.RUNNING, JobState.SUCCEEDED):
        jobs.advance(record.id, expect=list(JobState), to=state, now=now)
    assert [event.payload["state"] for event in log.after(seen)] == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert [event.payload["state"] for event in log.after(seen, limit=1)] == ["PENDING"]
    assert log.after(log.last_id()) == []


def test_the_states_of_one_job(
    database: Database, jobs: JobStore, submit: Callable[..., JobRecord], now: datetime
) -> None:
    record, later = submit(), now + timedelta(seconds=1)
    submit()
    jobs.claim(record.id, ProcessIdentity.current(), now=later)
    assert EventLog(database).state_changes(record.id) == (
        StateChange(state=JobState.QUEUED, time=now, attempt=0),
        StateChange(state=JobState.PENDING, time=later, attempt=1),
    )
    assert EventLog(database).state_changes("nobody") == ()


def test_of_a_deleted_job_nothing_but_that_is_told(
    database: Database, jobs: JobStore, submit: Callable[..., JobRecord], now: datetime
) -> None:
    kept, record = submit(), submit()
    jobs.advance(record.id, expect=list(JobState), to=JobState.CANCELLED, now=now)
    jobs.delete(record.id, now=now)
    told = [(event.subject, event.kind) for event in EventLog(database).after(0)]
    assert told == [(f"job:{kept.id}", "state"), (f"job:{record.id}", "deleted")]


def test_an_event_belongs_to_the_change_that_it_tells(database: Database, now: datetime) -> None:
    with pytest.raises(KeyError), database.write() as connection:
        {}[add_event(connection, "job:x", "state", {}, now)]
    assert EventLog(database).after(0) == []


def test_ids_can_be_told_from_none_before_the_first_event(database: Database) -> None:
    assert EventLog(database).last_id() > 0
    assert EventLog(database).after(0) == []
