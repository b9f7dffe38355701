"""What is told of a job in Google Cloud, and what is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlmagic.backends.google.remote import RemoteJob, RemoteRecord, held, read_remote, write_remote
from mlmagic.backends.google.uploads import is_near
from mlmagic.workspace.layout import JobFolder

SAID = "The replica workerpool1-0 exited with a non-zero status of {}. Termination reason: Error."


@pytest.mark.parametrize(("status", "code"), [(1, 1), (3, 3), (137, -9), (139, -11), (128, 128)])
def test_the_exit_status_is_read_from_the_error(status: int, code: int) -> None:
    job = RemoteJob(name="projects/p/locations/r/customJobs/7", state="JOB_STATE_FAILED", error=SAID.format(status))
    assert (job.exit_code, job.failed_task, job.number) == (code, "workerpool1-0", "7")


def test_an_error_without_a_status_has_none() -> None:
    job = RemoteJob(name="n", state="JOB_STATE_FAILED", error="Resources are insufficient in region")
    assert (job.exit_code, job.failed_task) == (None, None)


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    remote = RemoteRecord(attempt=2, project="p", region="r", sent_time=datetime.now(UTC), earlier=("a",))
    assert read_remote(folder) is None
    write_remote(folder, remote)
    assert read_remote(folder) == remote
    folder.remote.write_text("{")
    assert read_remote(folder) is None


def test_one_at_a_time_holds_a_job(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    with held(folder) as first, held(folder) as second:
        assert (first, second) == (True, False)
    with held(folder, wait=True) as again:
        assert again


@pytest.mark.parametrize(
    ("location", "region", "near"),
    [
        ("US-CENTRAL1", "us-central1", True),
        ("US", "us-west1", True),
        ("EU", "europe-west4", True),
        ("NAM4", "us-central1", True),
        ("EU", "us-central1", False),
        ("US-EAST1", "us-central1", False),
    ],
)
def test_a_bucket_is_near_its_region(location: str, region: str, near: bool) -> None:
    assert is_near(location, region) is near
