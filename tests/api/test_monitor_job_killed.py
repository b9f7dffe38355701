"""A monitoring job on the engine of this machine: killed, gone on with, ended with its endpoint."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest
from support.monitored import endpoint, log, register, rides
from support.webhooks import server

from mlmagic.api.description import describe
from mlmagic.api.jobs import jobs
from mlmagic.api.monitor import monitor
from mlmagic.errors import ConflictError
from mlmagic.runtime.scalars import curves
from mlmagic.session import Session
from mlmagic.spec.job import JobState
from mlmagic.spec.request_log import RequestLogging
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore
from mlmagic.workspace.monitors import MonitorFolder, read_alerts

pytestmark = pytest.mark.slow


@pytest.fixture
def local(tmp_path, monkeypatch):
    """A session on the local engine, with an endpoint that was asked in kilometres."""
    monkeypatch.chdir(tmp_path)
    session = Session(environ={"MLMAGIC_BACKEND": "local"}, start=tmp_path)
    register(session, tmp_path)
    log(endpoint(session, 1, log=RequestLogging(sampling_rate=1.0)), rides(1000, seed=1, factor=1.609344))
    yield session
    for summary in session.jobs.list():
        session.jobs.cancel(summary.id)
        until(lambda job_id=summary.id: session.jobs.get(job_id).state.is_final)
    session.close()


def until(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def text(session, job):
    return session.jobs.logs(job.id).text


def kill(session, job):
    [chief] = session.jobs.replicas(job.id)
    psutil.Process(chief.pid).kill()
    until(lambda: session.jobs.get(job.id).attempt == 2 and session.jobs.get(job.id).state is JobState.RUNNING)


def test_an_alert_is_told_and_sent_once_over_a_kill(local):
    with server(503) as (address, got):
        typed = f"%monitor rides --every 1 --webhook {address}"
        job = monitor("rides", every=1, last="1h", webhook=address, invocation=typed, session=local)
        until(lambda: [code for code, _, _ in got] == [503, 200])
        with pytest.raises(ConflictError, match=f"{job.id} monitors rides already"):
            monitor("rides", every=1, last="1h", session=local)
        kill(local, job)
        log(local.workspace.endpoint("rides").requests, rides(1000, seed=2), hour=2)
        until(lambda: "\nEnded " in text(local, job))
        told = describe(local.jobs, job.id)
        assert (told.monitor.alerts, told.monitor.alerts_told) == (0, 1)
        assert "0 alerts now, 1 in all" in str(told)
        assert "0 alerts now, 1 in all" in jobs(session=local)._repr_mimebundle_()["text/html"]
        EndpointStore(Database(local.workspace)).delete("rides")
        until(lambda: local.jobs.get(job.id).state.is_final)
    record = local.jobs.get(job.id)
    assert (record.state, record.message) == (
        JobState.SUCCEEDED,
        "the endpoint rides is deleted, so there is nothing to look at any more",
    )
    assert text(local, job).count("\nAlert ") == 1
    assert [code for code, _, _ in got] == [503, 200]
    assert [point[0] for point in curves(local.workspace.job(job.id).tensorboard_dir)["monitoring/miles/distance"]] == [
        1,
        2,
    ]
    assert holding(local, b"hooks/secret") == [local.workspace.job(job.id).webhook]


def holding(session, secret):
    """Return the files of the workspace that hold something."""
    found = []
    for folder, _, names in os.walk(session.location.root):
        found += [Path(folder, name) for name in names if secret in Path(folder, name).read_bytes()]
    return found


def test_it_is_ended_by_a_cancel_and_takes_no_room(local):
    job = monitor("rides", every="5m", last="1h", session=local)
    until(lambda: "Look 1 " in text(local, job))
    record = local.jobs.get(job.id)
    assert (record.spec.placement.cores, record.spec.placement.memory_bytes) == (0, 0)
    local.jobs.cancel(job.id)
    until(lambda: local.jobs.get(job.id).state.is_final)
    assert local.jobs.get(job.id).state is JobState.CANCELLED
    [alert] = read_alerts(MonitorFolder(local.workspace.endpoint("rides").monitoring))
    assert alert.end_time is not None
