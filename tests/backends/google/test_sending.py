"""Submissions that are killed, or lose the network in a call: never two remote jobs, never none."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.names import workspace_filter, workspace_label
from mlmagic.backends.google.refusals import LoggedOutError
from mlmagic.backends.google.remote import RemoteJob
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.emulator.launch import Emulator
from mlmagic.errors import BackendError
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import FOREVER, PATIENCE_SECONDS, read_log, submit, wait_for
from mlmagic.workspace.layout import Workspace

Make = Callable[..., GoogleBackend]
PROGRAM = "print('it ran')\n"
KILLED = 77


class Doomed(GoogleClient):
    """Ends its process with the call that was chosen, before it or after."""

    def doom(self, point: str) -> Doomed:
        """Choose the call, as in `before put_object`."""
        when, _, name = point.partition(" ")
        calls = self.jobs if hasattr(self.jobs, name) else self.storage
        call = getattr(calls, name)

        def doomed(*arguments: Any) -> Any:
            if when == "before":
                os._exit(KILLED)
            call(*arguments)
            os._exit(KILLED)

        setattr(calls, name, doomed)
        return self


def remote_jobs(emulator: Emulator, workspace: Workspace | None = None) -> list[RemoteJob]:
    client = GoogleClient(emulator_settings(emulator.root))
    return client.jobs.list_custom_jobs(workspace_filter(workspace_label(str(workspace.root))) if workspace else "")


def submit_in_a_child(workspace: Workspace, emulator: Emulator, point: str) -> int:
    """Submit in a process that ends at that point, and return how it ended."""
    pid = os.fork()
    if pid == 0:
        try:
            client = Doomed(emulator_settings(emulator.root)).doom(point)
            # A program that is new to the bucket, so that it is written.
            submit(GoogleBackend(workspace, name="emulator", client=client), f"{PROGRAM}# {point}\n")
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("point", ["before create_custom_job", "after create_custom_job"])
def test_a_submission_that_is_killed_runs_once(
    make_backend: Make, workspace: Workspace, emulator: Emulator, point: str
) -> None:
    assert submit_in_a_child(workspace, emulator, point) == KILLED
    backend = make_backend()
    (summary,) = backend.list()
    assert wait_for(backend, summary.id).state is JobState.SUCCEEDED
    assert read_log(backend, summary.id).count("it ran") == 1
    assert len(remote_jobs(emulator, workspace)) == 1


def test_two_lost_answers_in_a_row_are_looked_into_later(
    backend: GoogleBackend, workspace: Workspace, emulator: Emulator, fault: Any
) -> None:
    fault("CreateCustomJob", drop="after", times=1)
    fault("ListCustomJobs", status=503, times=4)
    job_id = submit(backend, PROGRAM).id
    assert wait_for(backend, job_id).state is JobState.SUCCEEDED
    assert len(remote_jobs(emulator, workspace)) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_look_that_is_refused_is_no_word_on_the_job(
    backend: GoogleBackend, workspace: Workspace, emulator: Emulator, fault: Any, status: int
) -> None:
    fault("CreateCustomJob", drop="after", times=1)
    fault("ListCustomJobs", status=status)
    with suppress(LoggedOutError):
        submit(backend, PROGRAM)
    fault.clear()
    (summary,) = backend.list()
    assert wait_for(backend, summary.id).state is JobState.SUCCEEDED
    assert len(remote_jobs(emulator, workspace)) == 1


@pytest.mark.parametrize("refusal", [(401, "credentials any more"), (403, "may not do that")])
def test_a_job_that_cannot_be_deleted_there_stays_here(
    backend: GoogleBackend, emulator: Emulator, workspace: Workspace, fault: Any, refusal: tuple[int, str]
) -> None:
    job_id = wait_for(backend, submit(backend, PROGRAM).id).id
    fault("DeleteCustomJob", status=refusal[0])
    with pytest.raises(BackendError, match=refusal[1]):
        backend.delete(job_id)
    fault.clear()
    assert [summary.id for summary in backend.list()] == [job_id]
    backend.delete(job_id)
    assert remote_jobs(emulator, workspace) == []


def test_a_quota_that_is_used_up_fails_the_job_and_says_so(backend: GoogleBackend, fault: Any) -> None:
    fault("CreateCustomJob", status=429, message="custom_model_training_cpus", times=1)
    with pytest.raises(
        BackendError, match="a quota of project emulated-project in us-central1 is used up: custom_model"
    ):
        submit(backend, PROGRAM)
    (summary,) = backend.list()
    assert summary.state is JobState.FAILED
    assert "custom_model_training_cpus" in (summary.error or "")


def test_a_job_that_is_not_sent_yet_can_be_cancelled(
    backend: GoogleBackend, emulator: Emulator, workspace: Workspace, fault: Any
) -> None:
    fault("storage.buckets.get", status=503)
    job_id = submit(backend, PROGRAM).id
    assert (backend.waiting_for(job_id) or "").startswith("it could not be sent yet: cannot look at the bucket")
    assert backend.cancel(job_id).state is JobState.CANCELLED
    assert remote_jobs(emulator, workspace) == []


def test_a_job_that_is_cancelled_elsewhere_is_told_so(
    backend: GoogleBackend, workspace: Workspace, emulator: Emulator
) -> None:
    job_id = submit(backend, FOREVER).id
    wait_for(backend, job_id, JobState.RUNNING)
    (job,) = remote_jobs(emulator, workspace)
    client = GoogleClient(emulator_settings(emulator.root))
    client.jobs.cancel_custom_job(job.name)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while client.jobs.get_custom_job(job.name).state != "JOB_STATE_CANCELLED" and time.monotonic() < deadline:
        time.sleep(0.1)
    record = wait_for(backend, job_id)
    assert (record.state, record.message) == (JobState.CANCELLED, "cancelled in Google Cloud")
