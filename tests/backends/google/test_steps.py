"""What is done before a job can be sent is told, to who waits and in the record."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mlmagic.backends.google.steps import told
from mlmagic.spec.job import JobRecord, JobSpec, JobState, PackageReference
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def jobs(workspace: Workspace) -> JobStore:
    return JobStore(Database(workspace))


@pytest.fixture
def record(jobs: JobStore) -> JobRecord:
    spec = JobSpec(display_name="taxi", package=PackageReference(digest="d"))
    return jobs.create(spec, package_files={}, source_map=None, now=NOW)


def test_the_record_has_what_is_done_as_long_as_that_lasts(jobs: JobStore, record: JobRecord) -> None:
    heard: list[str] = []
    with told(jobs, record, heard.append) as say:
        say("writing the rows as instances")
        assert jobs.get(record.id).message == "writing the rows as instances"
        say("uploading 9 MB to gs://b")
        say("uploading 9 MB to gs://b (50%)")
        assert (jobs.get(record.id).message or "").startswith("uploading 9 MB to gs://b")
    assert heard == ["taxi: writing the rows as instances", "taxi: uploading 9 MB to gs://b"]
    assert jobs.get(record.id).message is None


def test_of_a_job_that_ends_meanwhile_nothing_is_written(jobs: JobStore, record: JobRecord) -> None:
    with told(jobs, record, None) as say:
        jobs.advance(record.id, expect={JobState.QUEUED}, to=JobState.CANCELLING, now=NOW, message="over")
        say("uploading 9 MB to gs://b")
    assert (jobs.get(record.id).state, jobs.get(record.id).message) == (JobState.CANCELLING, "over")
