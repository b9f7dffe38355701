"""Jobs through Dataflow's own clients, without Beam."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from support.vertex import until

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.emulator.launch import Emulator
from mlmagic.workspace.layout import Workspace

ENDED = {"JOB_STATE_DONE", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"}


def ended(dataflow: Any, job: Any) -> str:
    return str(until(lambda: (state := dataflow.get(job).current_state.name) in ENDED and state))


def test_a_name_is_active_once(dataflow: Any) -> None:
    job = dataflow.create("twice", "a")
    assert job.id.startswith("20")
    other = dataflow.create("twice", "b")
    assert (other.id, other.client_request_id) == (job.id, "a")
    assert dataflow.create("twice", "a").id == job.id
    with pytest.raises(exceptions.Conflict, match=f"There is already an active job named twice, with the id {job.id}"):
        dataflow.create("twice")
    dataflow.cancel(job)
    assert ended(dataflow, job) == "JOB_STATE_CANCELLED"
    again = dataflow.create("twice", "b")
    assert again.id != job.id
    dataflow.cancel(again)
    ended(dataflow, again)


def test_cancel(dataflow: Any) -> None:
    job = dataflow.create("cancelled", "a")
    assert dataflow.cancel(job).current_state.name in {"JOB_STATE_CANCELLING", "JOB_STATE_CANCELLED"}
    assert ended(dataflow, job) == "JOB_STATE_CANCELLED"
    assert f"Cancel request is committed for workflow job: {job.id}." in dataflow.said(job)
    with pytest.raises(exceptions.BadRequest, match=f"The job {job.id} has ended: JOB_STATE_CANCELLED"):
        dataflow.cancel(job)
    with pytest.raises(exceptions.Conflict, match="There is already a job named cancelled"):
        dataflow.create("cancelled", "a")


def test_why_a_job_failed_is_told_without_secrets(dataflow: Any, emulator: Emulator) -> None:
    job = dataflow.create("failing", "a")
    assert ended(dataflow, job) == "JOB_STATE_FAILED"
    (error,) = dataflow.said(job, "JOB_MESSAGE_ERROR")
    assert error.startswith("Traceback (most recent call last):")
    assert "The specified bucket does not exist" in error
    assert emulator.token not in error
    assert list(dataflow.metrics.get_job_metrics({**dataflow.place, "job_id": job.id}).metrics) == []


def test_a_job_whose_process_was_killed_says_so(dataflow: Any, emulator: Emulator) -> None:
    job = dataflow.create("killed", "a")
    engine = LocalBackend(Workspace(emulator.root / "engine"))
    (found,) = engine.list(display_name=f"dataflow-{job.id.rpartition('-')[2]}")
    (replica,) = until(lambda: engine.replicas(found.id))
    os.kill(replica.pid, signal.SIGKILL)
    assert ended(dataflow, job) == "JOB_STATE_FAILED"
    (error,) = dataflow.said(job, "JOB_MESSAGE_ERROR")
    assert error.startswith("Workflow failed. Causes: ")
    assert "SIGKILL" in error


def test_lists(dataflow: Any) -> None:
    job = dataflow.create("listed", "a")
    dataflow.cancel(job)
    ended(dataflow, job)
    listed = dataflow.jobs.list_jobs({**dataflow.place, "filter": "TERMINATED", "name": "listed"})
    assert [(each.id, bool(each.environment)) for each in listed] == [(job.id, False)]
    assert list(dataflow.jobs.list_jobs({**dataflow.place, "filter": "ACTIVE", "name": "listed"})) == []
    with pytest.raises(exceptions.NotFound, match=r"The job 2026-1 in projects/.* was not found"):
        dataflow.jobs.get_job({**dataflow.place, "job_id": "2026-1"})


@pytest.mark.parametrize(
    ("fields", "kind", "why"),
    [
        ({"name": "Upper"}, exceptions.BadRequest, "the job name 'Upper' is invalid"),
        ({"name": "a", "url": ""}, exceptions.BadRequest, r"sdkPipelineOptions\.options has no pipelineUrl"),
        ({"name": "a", "type_": "JOB_TYPE_STREAMING"}, exceptions.MethodNotImplemented, "does not implement streaming"),
        ({"name": "a", "replace_job_id": "1"}, exceptions.MethodNotImplemented, "updates of jobs that run"),
    ],
)
def test_refusals(dataflow: Any, fields: dict[str, str], kind: type[Exception], why: str) -> None:
    with pytest.raises(kind, match=why):
        dataflow.create(**fields)


def test_folders_are_for_their_owner_alone(dataflow: Any, emulator: Emulator) -> None:
    job = dataflow.create("private", "a")
    dataflow.cancel(job)
    ended(dataflow, job)
    programs: Path = emulator.root / "programs"
    modes = {path.stat().st_mode & 0o077 for path in [programs, *programs.glob("*"), *programs.glob("*/*.json*")]}
    assert modes == {0}
