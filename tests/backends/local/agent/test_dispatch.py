"""What becomes of jobs for which no supervisor comes to be."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator

import pytest
from support.agents import until
from support.queued import Jobs

from mlmagic.backends.local.agent import dispatch, watch
from mlmagic.backends.local.agent.dispatch import Dispatcher
from mlmagic.backends.local.agent.watch import SupervisorWatch
from mlmagic.backends.local.backend import LocalBackend
from mlmagic.backends.local.forkserver.servers import ForkServers, NotStarted, Started
from mlmagic.backends.local.machine import Machine
from mlmagic.backends.local.reconcile import Reconciler
from mlmagic.runtime.environments import EnvironmentStore
from mlmagic.spec.job import JobState, PackageReference
from mlmagic.testing.backends import wait_for
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import is_stopped
from mlmagic.workspace.runtime_folder import RuntimeFolder


@pytest.fixture
def servers(workspace: Workspace) -> Iterator[ForkServers]:
    started = ForkServers(workspace, RuntimeFolder.make(workspace, os.environ))
    yield started
    started.close()


@pytest.fixture
def jobs(workspace: Workspace) -> Jobs:
    return Jobs(workspace)


@pytest.fixture
def dispatcher(workspace: Workspace, jobs: Jobs, servers: ForkServers) -> Dispatcher:
    return Dispatcher(
        workspace,
        jobs=jobs.store,
        servers=servers,
        environments=EnvironmentStore(RuntimeFolder.make(workspace, os.environ)),
        machine=lambda: Machine(cores=2, memory_bytes=1 << 30),
    )


@pytest.fixture
def supervisors(workspace: Workspace, jobs: Jobs) -> SupervisorWatch:
    reconciler = Reconciler(jobs.database)
    return SupervisorWatch(workspace, jobs=jobs.store, reconciler=reconciler)


def work(dispatcher: Dispatcher, servers: ForkServers) -> None:
    select.select(servers.files(), [], [], 0.02)
    dispatcher.settle(servers.receive())
    dispatcher.dispatch()


def test_the_log_tells_why_a_job_could_not_start_warm(
    dispatcher: Dispatcher, servers: ForkServers, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = jobs.make("pass\n", package=PackageReference(digest="d1"))
    with monkeypatch.context() as context:
        context.setattr(servers, "start", lambda *_: None)
        dispatcher.dispatch()
    dispatcher.settle([Started(folder.id, os.getpid(), is_warm=False, reason="a GPU is visible")])
    told = "mlmagic: TensorFlow is imported anew, no warm start: a GPU is visible\n"
    assert folder.log().read_text("utf-8") == told


def test_supervisors_that_die_at_once_are_not_started_for_ever(
    dispatcher: Dispatcher, servers: ForkServers, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "PAUSES", (0.0, 0.0))
    folder = jobs.make("pass\n")
    folder.supervisor_log.mkdir()
    while not jobs.store.get(folder.id).state.is_final:
        work(dispatcher, servers)
    record = jobs.store.get(folder.id)
    assert (record.state, record.attempt) == (JobState.FAILED, 0)
    assert record.error is not None
    assert record.error.message == "its supervisor ended before it had begun, several times"
    assert dispatcher.is_idle


def test_the_queue_waits_while_the_machine_has_no_room_for_a_process(dispatcher: Dispatcher, jobs: Jobs) -> None:
    folders = [jobs.make("pass\n") for _ in range(3)]
    dispatcher.dispatch()
    dispatcher.settle([NotStarted(folder.id, "Resource temporarily unavailable") for folder in folders[:2]])
    dispatcher.dispatch()
    assert {jobs.store.get(folder.id).state for folder in folders} == {JobState.QUEUED}
    assert not dispatcher.is_idle


def test_a_supervisor_that_is_stopped_before_its_claim_is_continued(
    dispatcher: Dispatcher,
    servers: ForkServers,
    jobs: Jobs,
    supervisors: SupervisorWatch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "STOPPED_SECONDS", -1.0)
    folder = jobs.make("pass\n")
    with jobs.database.write():  # so that it cannot claim
        while not dispatcher.starting:
            work(dispatcher, servers)
        (pid,) = dispatcher.starting
        os.kill(pid, signal.SIGSTOP)
        until(lambda: is_stopped(pid))
    supervisors.look([], dispatcher.starting)
    until(lambda: jobs.store.get(folder.id).state is JobState.SUCCEEDED)


def test_a_supervisor_that_could_not_be_started_fails_its_job(
    dispatcher: Dispatcher, servers: ForkServers, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "PAUSES", ())
    folder = jobs.make("pass\n")
    monkeypatch.setattr("mlmagic.backends.local.forkserver.servers.sys.executable", "/nowhere/python")
    dispatcher.dispatch()
    (outcome,) = servers.receive()
    assert isinstance(outcome, NotStarted)
    dispatcher.settle([outcome, outcome])
    record = jobs.store.get(folder.id)
    assert record.state is JobState.FAILED
    assert record.message == f"its supervisor could not be started: {outcome.reason}"


def test_no_more_are_started_than_there_is_room_for(dispatcher: Dispatcher, servers: ForkServers, jobs: Jobs) -> None:
    source = "import time\ntime.sleep(600)\n"
    folders = [jobs.make(source) for _ in range(3)]
    while any(jobs.store.get(folder.id).state in {JobState.QUEUED, JobState.PENDING} for folder in folders[:2]):
        work(dispatcher, servers)
    assert jobs.store.get(folders[2].id).state is JobState.QUEUED
    backend = LocalBackend(jobs.workspace)
    for folder in reversed(folders):
        backend.cancel(folder.id)
        wait_for(backend, folder.id)


def test_a_job_that_was_cancelled_while_it_is_started_is_forgotten(
    dispatcher: Dispatcher, servers: ForkServers, jobs: Jobs
) -> None:
    folder = jobs.make("pass\n")
    dispatcher.dispatch()
    assert not dispatcher.is_idle
    record = jobs.store.get(folder.id)
    jobs.store.advance(folder.id, expect={JobState.QUEUED}, to=JobState.CANCELLED, now=record.create_time)
    dispatcher.dispatch()
    assert dispatcher.is_idle
    while not servers.is_idle:
        work(dispatcher, servers)
    assert jobs.store.get(folder.id).state is JobState.CANCELLED
