"""Jobs of several backends in one list, some of which cannot be asked here."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlmagic.api.jobs import cancel_jobs, job, jobs
from mlmagic.errors import UsageError
from mlmagic.session import Session
from mlmagic.spec.job import JobSpec, JobState, PackageReference
from mlmagic.testing.backends import PATIENCE_SECONDS
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore

NOT_SET_UP = (
    "Not up to date: the backend 'google' cannot be used as it is set up: --project is missing; --region is missing; "
    "--bucket is missing. %mlmagic use google --project PROJECT --region us-central1 --bucket gs://BUCKET"
)
Make = Callable[..., str]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session = Session(environ={}, start=tmp_path)
    yield session
    session.close()


@pytest.fixture
def make(session: Session) -> Make:
    """Makes a job that some other installation has submitted."""

    def make_job(name: str, backend: str, state: JobState = JobState.RUNNING) -> str:
        now = datetime.now(UTC)
        store = JobStore(Database(session.workspace))
        spec = JobSpec(display_name=name, backend=backend, package=PackageReference(digest="0"))
        record = store.create(spec, package_files={"trainer/task.py": b""}, now=now)
        store.advance(record.id, expect={JobState.QUEUED}, to=state, now=now)
        return record.id

    return make_job


def test_a_job_whose_backend_is_not_set_up_is_told_as_it_was_written(session: Session, make: Make) -> None:
    job_id = make("taxi", "google")
    session.workspace.job(job_id).log().write_text("epoch 1\n")
    found = job("taxi", session=session)
    assert (found.state, found.record.message) == (JobState.RUNNING, NOT_SET_UP)
    assert found.logs() == "epoch 1\n"
    assert "Not up to date: the backend 'google' cannot be used as it is set up" in " ".join(str(found).split())


def test_a_list_says_what_of_it_is_not_up_to_date(session: Session, make: Make) -> None:
    make("taxi", "google")
    make("boats", "google", JobState.FAILED)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "Not up to date, backend google: the backend 'google' cannot be used" not in str(jobs(session=session)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "Not up to date" not in str(jobs("state=FAILED", session=session))


def test_it_is_neither_ended_nor_waited_for(session: Session, make: Make) -> None:
    make("taxi", "google")
    for verb in (job("taxi", session=session).cancel, job("taxi", session=session).wait):
        with pytest.raises(UsageError, match="the backend 'google' cannot be used as it is set up:\n  - --project is"):
            verb()
    with pytest.raises(UsageError, match="the backend 'google' cannot"):
        job("taxi", session=session).follow()


def test_a_process_without_googles_libraries_fails_no_job(
    session: Session, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("google.cloud.aiplatform_v1", "google.cloud.storage"):
        monkeypatch.setitem(sys.modules, library, None)
    for key, value in {"project": "my-project", "region": "us-central1", "bucket": "gs://my-bucket"}.items():
        session.configure(f"google_{key}", value)
    record = job(make("taxi", "google", JobState.QUEUED), session=session).record
    assert record.state is JobState.QUEUED
    assert re.fullmatch(
        r"Not up to date: the backend 'google' needs google\.cloud\.\w+, which is not installed\. "
        r"Install it with: %pip install 'mlmagic\[google\]'",
        record.message or "",
    )


def test_a_backend_that_this_version_does_not_know(session: Session, make: Make) -> None:
    make("taxi", "azure", JobState.SUCCEEDED)
    make("boats", "azure")
    assert job("taxi", session=session).record.message is None
    assert job("boats", session=session).record.message == (
        "Not up to date: there is no backend 'azure'. Backends: emulator, google, local, memory."
    )
    with pytest.raises(UsageError, match="there is no backend 'azure'"):
        cancel_jobs("boats", session=session)


def test_the_list_has_the_jobs_of_all_backends_and_says_which(session: Session, make: Make) -> None:
    here, there = make("taxi", "local", JobState.SUCCEEDED), make("boats", "google")
    listed = jobs(session=session)
    assert {summary.id: summary.backend for summary in listed} == {here: "local", there: "google"}
    assert "BACKEND" in str(listed)
    assert "<th" in listed._repr_mimebundle_()["text/html"]
    assert [summary.id for summary in jobs("backend=google", session=session)] == [there]
    assert "BACKEND" not in str(jobs("backend=google", session=session))


def test_jobs_of_a_backend_that_is_not_in_use_are_looked_after(tmp_path: Path, make: Make) -> None:
    make("boats", "google")
    taxi = make("taxi", "local")
    other = Session(environ={"MLMAGIC_BACKEND": "google"}, start=tmp_path)
    # No process runs it, as is seen though another backend is in use.
    assert {summary.id: summary.state.is_final for summary in jobs(session=other)}[taxi]
    other.close()


def test_what_another_process_has_set_is_taken_up(session: Session) -> None:
    assert session.google == {}
    other = Session(environ={}, start=session.location.root.parent)
    other.configure("google_project", "my-project")
    assert session.google == {}
    session.refresh()
    assert session.google == {"google_project": "my-project"}
