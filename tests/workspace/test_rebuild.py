from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mlmagic.errors import WorkspaceWarning
from mlmagic.spec import codec
from mlmagic.spec.job import ExitRecord, JobError, JobRecord, JobSpec, JobState
from mlmagic.spec.model import ModelVersion
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.models import ModelStore
from mlmagic.workspace.processes import ProcessIdentity

Submit = Callable[..., JobRecord]
SECOND = timedelta(seconds=1)


@pytest.fixture
def running(jobs: JobStore, submit: Submit, now: datetime) -> JobRecord:
    record = submit()
    jobs.claim(record.id, ProcessIdentity.current(), now=now)
    return jobs.advance(record.id, expect=[JobState.PENDING], to=JobState.RUNNING, now=now, start_time=now)


def ended(state: JobState, now: datetime) -> ExitRecord:
    error = None if state is JobState.SUCCEEDED else JobError(message="it failed", hint="mend it")
    return ExitRecord(attempt=1, state=state, exit_code=3, end_time=now, error=error, message="said")


def test_jobs_in_all_states_are_the_same_after_it(
    database: Database, jobs: JobStore, submit: Submit, now: datetime
) -> None:
    error = JobError(message="it failed", traceback="…")
    for number, state in enumerate(JobState):
        record = submit(now=now + number * timedelta(microseconds=1))
        jobs.advance(record.id, expect=[JobState.QUEUED], to=state, now=now, start_time=now, error=error)
    before = [jobs.get(row.id) for row in jobs.list()], jobs.list()
    restored = database.rebuild()
    assert ([jobs.get(row.id) for row in jobs.list()], jobs.list()) == before
    assert (restored.jobs, restored.problems) == (len(JobState), ())


def test_models_are_the_same_after_it(
    database: Database, models: ModelStore, register: Callable[..., ModelVersion]
) -> None:
    for name in ("taxi", "taxi", "bus"):
        register(name)
    models.set_default("taxi", 2)
    before = models.list(), models.versions("taxi"), models.versions("bus")
    assert database.rebuild().versions == 3
    assert (models.list(), models.versions("taxi"), models.versions("bus")) == before


def test_fields_of_a_newer_version_survive_it(
    database: Database, jobs: JobStore, submit: Submit, spec: JobSpec
) -> None:
    record = submit(spec=replace(spec, extra={"carbonBudget": 3}))
    database.rebuild()
    assert jobs.get(record.id).spec.extra == {"carbonBudget": 3}


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED])
def test_a_job_that_ended_unrecorded_is_told_by_exit_json(
    database: Database, jobs: JobStore, running: JobRecord, now: datetime, state: JobState
) -> None:
    exit_record = ended(state, now + SECOND)
    database.workspace.job(running.id).exit.write_text(codec.dumps(exit_record))
    database.rebuild()
    found = jobs.get(running.id)
    assert found.start_time == now
    assert found.end_time == found.update_time == now + SECOND
    for name in ("state", "exit_code", "error", "message", "attempt"):
        assert getattr(found, name) == getattr(exit_record, name)


def test_the_exit_of_an_earlier_attempt_is_not_this_ones(
    workspace: Workspace, database: Database, jobs: JobStore, running: JobRecord, now: datetime
) -> None:
    workspace.job(running.id).exit.write_text(codec.dumps(replace(ended(JobState.FAILED, now), attempt=7)))
    database.rebuild()
    assert jobs.get(running.id) == running


def test_what_was_recorded_as_final_stays(
    workspace: Workspace, database: Database, jobs: JobStore, running: JobRecord, now: datetime
) -> None:
    lost = jobs.advance(running.id, expect=[JobState.RUNNING], to=JobState.LOST, now=now)
    workspace.job(running.id).exit.write_text(codec.dumps(ended(JobState.FAILED, now)))
    database.rebuild()
    assert jobs.get(running.id) == lost


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_what_cannot_be_read_is_told_and_left(
    workspace: Workspace, jobs: JobStore, submit: Submit, content: str
) -> None:
    kept, broken = submit(), submit()
    workspace.job(broken.id).state.write_text(content)
    workspace.database.unlink()
    with pytest.warns(WorkspaceWarning) as caught:
        assert [row.id for row in jobs.list()] == [kept.id]
    text = str(caught[0].message)
    assert f"rebuilt from the folders: jobs 1, model versions 0.\n  - left out {workspace.job(broken.id).root}" in text
    assert workspace.job(broken.id).root.is_dir()


def test_a_version_that_cannot_be_read_is_told_and_left(
    workspace: Workspace, database: Database, models: ModelStore, register: Callable[..., ModelVersion]
) -> None:
    register()
    workspace.version("taxi", register().number).origin.write_text("{}")
    restored = database.rebuild()
    folder = workspace.version("taxi", 2).root
    assert restored.problems == (f"left out {folder}: ModelOrigin.createTime is missing",)
    assert [version.number for version in models.versions("taxi")] == [1]
    assert register().number == 3


def test_old_leftovers_are_removed_and_young_ones_are_not(workspace: Workspace, database: Database) -> None:
    old = [workspace.jobs / ".staging-a", workspace.jobs / ".deleted-b", workspace.models / "taxi" / ".staging-c"]
    young = workspace.jobs / ".staging-d"
    for folder in (*old, young):
        (folder / "package").mkdir(parents=True)
    for folder in old:
        os.utime(folder, (0, 0))
    database.rebuild()
    assert [folder.exists() for folder in (*old, young)] == [False, False, False, True]


def test_what_is_not_ours_is_left_alone(workspace: Workspace, database: Database) -> None:
    for path in (workspace.jobs / "notes", workspace.models / "not a name" / "1", workspace.models / "empty"):
        path.mkdir(parents=True)
    (workspace.models / "file").touch()
    assert not database.rebuild()
    assert (workspace.models / "not a name" / "1").is_dir()


def test_an_empty_workspace_gets_its_database_without_a_word(workspace: Workspace, jobs: JobStore) -> None:
    workspace.jobs.rmdir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert jobs.list() == []


def test_the_copy_of_a_job_is_not_taken_for_it(
    workspace: Workspace, database: Database, jobs: JobStore, submit: Submit
) -> None:
    record = submit()
    copy = workspace.job("copy-20260131-123015-0a1b").root
    shutil.copytree(workspace.job(record.id).root, copy)
    assert database.rebuild().problems == (f"left out {copy}: state.json is that of job {record.id!r}",)
    assert [summary.id for summary in jobs.list()] == [record.id]
