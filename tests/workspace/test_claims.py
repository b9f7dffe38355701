"""Of all who want a job's next attempt, one gets it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

import pytest

from mlmagic.spec import codec
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import ProcessIdentity

Submit = Callable[..., JobRecord]
DEAD = ProcessIdentity(pid=1, start_time=-1, boot_id="another")


def finish(jobs: JobStore, record: JobRecord, now: datetime, state: JobState = JobState.SUCCEEDED) -> JobRecord:
    return jobs.advance(record.id, expect=[record.state], to=state, now=now, end_time=now)


def test_a_claim_makes_the_job_pending_and_says_who(
    workspace: Workspace, jobs: JobStore, submit: Submit, now: datetime
) -> None:
    record, identity = submit(), ProcessIdentity.current()
    assert jobs.claim(record.id, identity, now=now) == 1
    assert jobs.get(record.id) == replace(record, state=JobState.PENDING, attempt=1)
    assert jobs.claims(record.id) == {1: identity}
    assert stat.S_IMODE(workspace.job(record.id).claim(1).stat().st_mode) == 0o600


def test_a_job_is_claimed_once(jobs: JobStore, submit: Submit, now: datetime) -> None:
    record, identity = submit(), ProcessIdentity.current()
    assert [jobs.claim(record.id, identity) for _ in range(2)] == [1, None]
    jobs.advance(record.id, expect=[JobState.PENDING], to=JobState.QUEUED, now=now)
    assert jobs.claim(record.id, identity) == 2
    assert list(jobs.claims(record.id)) == [1, 2]


@pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.CANCELLING, JobState.RUNNING])
def test_only_a_queued_job_can_be_claimed(jobs: JobStore, submit: Submit, now: datetime, state: JobState) -> None:
    record = finish(jobs, submit(), now, state)
    assert jobs.claim(record.id, ProcessIdentity.current()) is None
    assert jobs.claims(record.id) == {}


@pytest.mark.parametrize("holder", [DEAD, None])
def test_a_claim_whose_process_died_before_the_row_is_taken_over(
    workspace: Workspace, jobs: JobStore, submit: Submit, holder: ProcessIdentity | None
) -> None:
    record, identity = submit(), ProcessIdentity.current()
    workspace.job(record.id).claim(1).write_text(codec.dumps(holder) if holder else "")
    assert jobs.claim(record.id, identity) == jobs.get(record.id).attempt == 1
    assert jobs.claims(record.id) == {1: identity}


def test_a_claim_whose_row_could_not_be_written_can_be_made_again(
    workspace: Workspace, jobs: JobStore, submit: Submit
) -> None:
    record = submit()
    workspace.job(record.id).claim(1).write_text(codec.dumps(ProcessIdentity.current()))
    assert jobs.claim(record.id, ProcessIdentity.current()) == 1


def test_a_claim_whose_process_lives_stands(workspace: Workspace, jobs: JobStore, submit: Submit) -> None:
    record, parent = submit(), ProcessIdentity.of(os.getppid())
    assert parent is not None
    workspace.job(record.id).claim(1).write_text(codec.dumps(parent))
    assert jobs.claim(record.id, ProcessIdentity.current()) is None
    assert jobs.get(record.id).state is JobState.QUEUED


def test_of_many_processes_exactly_one_claims(
    workspace: Workspace, submit: Submit, jobs: JobStore, race: Callable[..., list[str]]
) -> None:
    setup = """
from pathlib import Path
from typing import Any
from mlmagic.workspace.database import Database; from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace; from mlmagic.workspace.processes import ProcessIdentity
store, me = JobStore(Database(Workspace(Path(sys.argv[1])))), ProcessIdentity.current()
"""
    contended = "print(*(store.claim(job_id, me) for job_id in sys.argv[2:]))"
    ids = [submit().id for _ in range(10)]
    lines = race(setup, contended, str(workspace.root), *ids, processes=4)
    for answers in zip(*(line.split() for line in lines), strict=True):
        assert sorted(answers) == ["1", "None", "None", "None"]
    assert {jobs.get(job_id).attempt for job_id in ids} == {1}


def test_a_process_killed_while_claiming_keeps_nobody_out(
    jobs: JobStore, submit: Submit, killed_at_each_step: Callable[..., Iterator[int]]
) -> None:
    record = submit()
    for _ in killed_at_each_step(lambda: jobs.claim(record.id, ProcessIdentity.current())):
        found = jobs.get(record.id)
        assert (found.state, found.attempt) in ((JobState.QUEUED, 0), (JobState.PENDING, 1))
    assert jobs.get(record.id).attempt == 1
    assert list(jobs.claims(record.id)) == [1]
