"""What is told of jobs while Google cannot be asked: what was last heard, and why there is no news."""

from __future__ import annotations

import stat
import time
from typing import Any

from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.backends.google.waiting import why_queued
from mlmagic.backends.router import Router
from mlmagic.errors import BackendError
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import FOREVER, PATIENCE_SECONDS, read_log, submit, wait_for
from mlmagic.workspace.cloud_trouble import read_trouble, write_trouble
from mlmagic.workspace.layout import Workspace


def test_a_job_that_cannot_be_asked_for_is_as_it_was_and_says_why(
    backend: GoogleBackend, workspace: Workspace, fault: Any
) -> None:
    router = Router(workspace, name="emulator", reader=lambda _: backend, actor=lambda _: backend)
    job_id = submit(backend, FOREVER).id
    wait_for(backend, job_id, JobState.RUNNING)
    for rpc in ("GetCustomJob", "ListCustomJobs"):
        fault(rpc, status=503)
    found = wait_until_told(router, job_id, is_old=True)
    assert found.state is JobState.RUNNING
    assert (found.message or "").startswith("Not up to date: cannot ")
    fault.clear()
    assert wait_until_told(router, job_id, is_old=False).message is None
    assert read_trouble(workspace, "emulator") is None


def wait_until_told(router: Router, job_id: str, *, is_old: bool) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := router.get(job_id)) and ("Not up to date" in (found.message or "")) is not is_old:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def test_trouble_is_one_line_that_nobody_else_reads(workspace: Workspace) -> None:
    write_trouble(workspace, "google", BackendError("no answer\nfrom Google.", problems=["a", "b"], hint="Look at X."))
    assert read_trouble(workspace, "google") == "no answer from Google. a; b. Look at X."
    assert stat.S_IMODE(workspace.cloud_trouble("google").stat().st_mode) == 0o600
    write_trouble(workspace, "google", None)
    assert read_trouble(workspace, "google") is None


def test_a_job_says_for_whom_it_waits_and_its_log_tells_of_each_attempt(
    backend: GoogleBackend, workspace: Workspace
) -> None:
    job_id = submit(backend, "raise SystemExit(3)\n", max_retries=1).id
    wait_for(backend, job_id)
    assert "mlmagic: attempt 2 of 2 (attempt 1: ended with exit status 3)\n" in read_log(backend, job_id)
    assert why_queued(workspace.job(job_id), None) == "Vertex AI has not begun to start it"
    workspace.job(job_id).remote.unlink()
    assert why_queued(workspace.job(job_id), None) == "it is being sent"
    assert why_queued(workspace.job(job_id), "no network.") == "it could not be sent yet: no network."
