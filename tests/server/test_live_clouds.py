"""What the Jupyter server does for jobs in the cloud, whose kernel is gone."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.emulator.launch import emulator as run_emulator
from mlmagic.runtime.agent_lock import take_lock
from mlmagic.server.jobs import Rerun, cancel, description, run_again
from mlmagic.server.live_views import views_of
from mlmagic.session import Session
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import PATIENCE_SECONDS, submit, wait_for
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace

ENDLESS = "import time\nprint('begun', flush=True)\ntime.sleep(600)\n"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with an emulator of its own."""
    workspace = Workspace(tmp_path_factory.mktemp("home") / ".mlmagic")
    with run_emulator(workspace.emulator):
        yield workspace


@pytest.fixture
def session(workspace: Workspace) -> Iterator[Session]:
    """The server's, which runs its own jobs on this machine."""
    session = Session(environ={"MLMAGIC_HOME": str(workspace.root)})
    yield session
    session.close()


def orphan(session: Session, source: str) -> str:
    """Return a job of a kernel that is gone."""
    kernel = GoogleBackend(session.workspace, name="emulator")
    job_id = submit(kernel, source).id
    kernel.close()
    return job_id


def test_a_job_comes_to_its_end_while_somebody_looks(session: Session) -> None:
    job_id = orphan(session, "print(1)\n")
    views_of(session).tend()
    jobs, deadline = JobStore(Database(session.workspace)), time.monotonic() + PATIENCE_SECONDS
    while not jobs.get(job_id).state.is_final:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert jobs.get(job_id).state is JobState.SUCCEEDED


def test_googles_jobs_and_the_emulators_are_watched_by_themselves(session: Session) -> None:
    of_google = take_lock(session.workspace.cloud_lock("google"))
    assert of_google is not None
    job_id = orphan(session, ENDLESS)
    views_of(session).tend()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while JobStore(Database(session.workspace)).get(job_id).state is not JobState.RUNNING:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    session.jobs.cancel(job_id)
    assert wait_for(session.jobs, job_id).state is JobState.CANCELLED


def test_the_routes_reach_a_job_wherever_it_runs(session: Session) -> None:
    job_id = orphan(session, ENDLESS)
    assert description(session, job_id).record.spec.backend == "emulator"
    assert cancel(session, job_id).summary.state in {JobState.CANCELLING, JobState.CANCELLED}
    assert wait_for(session.jobs, job_id).state is JobState.CANCELLED
    again = run_again(session, job_id, Rerun()).summary
    assert (again.backend, cancel(session, again.id).summary.backend) == ("emulator", "emulator")
    assert wait_for(session.jobs, again.id).state is JobState.CANCELLED
