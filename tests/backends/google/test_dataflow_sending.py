"""Preprocessing jobs that are refused before anything of them is on Dataflow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.dataflow_following import PipelineFollower
from mlmagic.backends.google.remote import RemoteJob
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.emulator.launch import Emulator
from mlmagic.errors import UsageError
from mlmagic.spec.job import JobKind, JobRecord, JobSpec, JobState, PackageReference
from mlmagic.testing.backends import submit
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace

Make = Callable[..., GoogleBackend]


@pytest.fixture
def client(emulator: Emulator) -> GoogleClient:
    return GoogleClient(emulator_settings(emulator.root))


def start(backend: GoogleBackend, path: str) -> None:
    args = ("--input", path, "--runner", "dataflow")
    submit(backend, "", name="rides", kind=JobKind.PREPROCESSING, dataset="rides", args=args)


def test_a_bucket_of_another_region(make_backend: Make, client: GoogleClient, workspace: Workspace) -> None:
    client.storage.bucket_location = lambda: "EUROPE-WEST4"  # type: ignore[method-assign]
    backend = make_backend(client=client)
    with pytest.raises(UsageError, match="is in EUROPE-WEST4, and jobs run in us-central1"):
        start(backend, "gs://b/rides.csv")
    (job,) = backend.list()
    assert job.state is JobState.FAILED
    assert not (workspace.job(job.id).launch / "request.json").exists()


def test_files_that_are_gone_by_now(backend: GoogleBackend, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        start(backend, f"{tmp_path}/*.csv")
    assert caught.value.problems == (f"{tmp_path}/*.csv: no such file",)
    assert [job.state for job in backend.list()] == [JobState.FAILED]


@pytest.mark.parametrize(("seconds", "is_ended"), [(5, False), (15, True)])
def test_a_job_that_runs_too_long_is_ended(
    client: GoogleClient, workspace: Workspace, seconds: int, is_ended: bool
) -> None:
    ended: list[str] = []
    client.pipelines.cancel = ended.append  # type: ignore[method-assign]
    client.pipelines.counters = lambda _: {}  # type: ignore[method-assign]
    spec = JobSpec(display_name="rides", package=PackageReference(digest="d"), timeout_seconds=10)
    now = datetime.now(UTC)
    record = JobRecord(id="rides-1", spec=spec, state=JobState.RUNNING, create_time=now, update_time=now)
    job = RemoteJob(name="jobs/1", state="JOB_STATE_RUNNING", start_time=now - timedelta(seconds=seconds))
    PipelineFollower(workspace, JobStore(Database(workspace)), client).watch(record, job)
    assert ended == (["jobs/1"] if is_ended else [])
