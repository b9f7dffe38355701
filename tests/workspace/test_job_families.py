"""A study and its trials as rows and folders."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from mlmagic.errors import ConflictError, NotFoundError, UsageError
from mlmagic.spec.job import JobKind, JobRecord, JobSpec, JobState
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace

Submit = Callable[..., JobRecord]


@pytest.fixture
def study(submit: Submit, spec: JobSpec) -> JobRecord:
    return submit(dataclasses.replace(spec, kind=JobKind.TUNING, model=None))


@pytest.fixture
def try_out(submit: Submit, spec: JobSpec, study: JobRecord) -> Callable[[int], JobRecord]:
    """Make a trial of the study."""
    return lambda number: submit(dataclasses.replace(spec, parent=study.id, trial=number))


def end(jobs: JobStore, job_id: str, now: datetime, to: JobState = JobState.SUCCEEDED) -> None:
    jobs.advance(job_id, expect=set(JobState), to=to, now=now)


def test_a_maker_killed_anywhere_leaves_one_trial_in_the_end(
    jobs: JobStore,
    workspace: Workspace,
    study: JobRecord,
    try_out: Callable[[int], JobRecord],
    killed_at_each_step: Callable[..., Iterator[int]],
) -> None:
    for step in killed_at_each_step(lambda: try_out(1)):
        record = try_out(1)
        assert (record.id, record.state) == (f"{study.id}-1", JobState.QUEUED), step
        assert workspace.job(record.id).spec.exists()
        assert len(jobs.list(parent=study.id)) == 1
        end(jobs, record.id, record.create_time)
        end(jobs, study.id, record.create_time)
        jobs.delete(record.id)
        jobs.advance(study.id, expect=set(JobState), to=JobState.RUNNING, now=record.create_time)


def test_the_same_trial_at_the_same_time_is_one(
    race: Callable[..., list[str]], workspace: Workspace, study: JobRecord
) -> None:
    setup = """
from datetime import UTC, datetime
from pathlib import Path
from mlmagic.spec.job import JobSpec, PackageReference
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace
jobs = JobStore(Database(Workspace(Path(sys.argv[1]))))
spec = JobSpec(display_name="taxi", package=PackageReference(digest="d"), parent=sys.argv[2], trial=1)
"""
    contended = "print(jobs.create(spec, package_files={'a.py': b''}, now=datetime.now(UTC)).id)\n"
    found = race(setup, contended, str(workspace.root), study.id, processes=4)
    assert found == [f"{study.id}-1\n"] * 4


@pytest.mark.parametrize("state", [JobState.CANCELLING, JobState.CANCELLED, JobState.FAILED])
def test_a_study_that_is_to_end_gets_no_trials(
    jobs: JobStore, study: JobRecord, try_out: Callable[[int], JobRecord], now: datetime, state: JobState
) -> None:
    first = try_out(1)
    end(jobs, study.id, now, state)
    with pytest.raises(ConflictError, match=f"study {study.id} is {state}, so it gets no trial 2"):
        try_out(2)
    assert try_out(1).id == first.id


def test_a_study_that_was_deleted_gets_no_trials(
    jobs: JobStore, study: JobRecord, try_out: Callable[[int], JobRecord], now: datetime
) -> None:
    end(jobs, study.id, now)
    jobs.delete(study.id)
    with pytest.raises(ConflictError, match=f"study {study.id} was deleted, so it gets no trial 1"):
        try_out(1)


def test_a_study_is_deleted_once_its_trials_have_ended(
    jobs: JobStore, workspace: Workspace, study: JobRecord, try_out: Callable[[int], JobRecord], now: datetime
) -> None:
    trials = [try_out(number).id for number in (1, 2)]
    end(jobs, study.id, now)
    end(jobs, trials[0], now)
    with pytest.raises(ConflictError, match=f"study {study.id} cannot be deleted: {trials[1]} is QUEUED"):
        jobs.delete(study.id)
    end(jobs, trials[1], now)
    jobs.delete(study.id)
    assert (jobs.list(), list(workspace.jobs.iterdir())) == ([], [])


def test_families_are_the_same_after_a_rebuild(
    database: Database, jobs: JobStore, study: JobRecord, try_out: Callable[[int], JobRecord]
) -> None:
    made = [try_out(number).id for number in (3, 1, 2)]
    before = jobs.list(parent=study.id)
    database.rebuild()
    assert jobs.list(parent=study.id) == before
    assert {row.id for row in before} == set(made)
    assert [row.id for row in jobs.list(trials=False)] == [study.id]


def test_the_longest_reference_wins(jobs: JobStore, submit: Submit, spec: JobSpec, study: JobRecord) -> None:
    named = submit(dataclasses.replace(spec, display_name="taxi-7"))
    assert jobs.resolve("taxi-7") == named.id
    with pytest.raises(NotFoundError, match=f"{study.id} has no trial 7"):
        jobs.resolve("taxi/7")
    with pytest.raises(NotFoundError, match=f"{study.id} has no trial 7"):
        jobs.resolve(f"{study.id}-7")
    with pytest.raises(NotFoundError, match="'taxi-7' is no study, so it has no trial 1"):
        jobs.resolve("taxi-7/1")


def test_a_prefix_of_two_studies(jobs: JobStore, submit: Submit, study: JobRecord) -> None:
    other = submit(dataclasses.replace(study.spec, display_name="taxi"))
    with pytest.raises(UsageError) as caught:
        jobs.resolve("taxi-2/1")
    assert all(one in str(caught.value) for one in (study.id, other.id))
