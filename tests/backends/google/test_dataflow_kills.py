"""Preprocessing jobs whose senders are killed at any point: one job on Dataflow for each, never two and never none."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mlmagic.api.preprocessing import plan_preprocessing
from mlmagic.backends.google import dataflow_sending
from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.dataflow_launch import LaunchFolder
from mlmagic.backends.google.dataflow_words import job_name
from mlmagic.backends.google.names import workspace_label
from mlmagic.backends.google.remote import RemoteJob
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.backends.google.uploads import Uploader
from mlmagic.emulator.launch import Emulator
from mlmagic.session import Session
from mlmagic.spec.job import JobSpec, JobState
from mlmagic.spec.package import TrainerPackage
from mlmagic.testing.backends import wait_for
from mlmagic.workspace.layout import Workspace

Make = Callable[..., GoogleBackend]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KILLED = 77
POINTS = ("after folder", "after write_remote", "after start_launch")
"""Steps of a submission: files into the bucket, the line that says that Google is asked, the process that asks."""


class Made(NamedTuple):
    """What a call to `%%preprocess` has made, before anything is sent."""

    spec: JobSpec
    package: TrainerPackage


@pytest.fixture
def made(workspace: Workspace, tmp_path: Path) -> Made:
    (tmp_path / "rides.csv").write_text("\n".join(["fare", *(str(row / 2) for row in range(50))]) + "\n")
    session = Session(environ={**os.environ, "MLMAGIC_HOME": str(workspace.root)}, start=tmp_path)
    plan = plan_preprocessing("rides", input=str(tmp_path / "rides.csv"), session=session)
    return Made(replace(plan.spec, args=(*plan.spec.args, "--runner", "dataflow")), plan.package)


def submit_in_a_child(made: Made, workspace: Workspace, emulator: Emulator, point: str) -> int:
    """Submit in a process that is ended at that point; return how it ended."""
    pid = os.fork()
    if pid == 0:
        try:
            when, _, name = point.partition(" ")
            owner = Uploader if name == "folder" else dataflow_sending
            done = getattr(owner, name)

            def doomed(*arguments: Any) -> Any:
                if when == "after":
                    done(*arguments)
                os._exit(KILLED)

            setattr(owner, name, doomed)
            GoogleBackend(workspace, name="emulator", config={"emulator_root": str(emulator.root)}).submit(*made)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def pipelines(workspace: Workspace, emulator: Emulator, job_id: str) -> list[RemoteJob]:
    name = job_name(job_id, 1, workspace_label(str(workspace.root)))
    return GoogleClient(emulator_settings(emulator.root)).pipelines.find(name)


def end_launch(workspace: Workspace, job_id: str) -> int:
    """Kill the process that brings the job to Dataflow, and its program; return how many there were."""
    folder = str(workspace.job(job_id).launch).encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (place / "cmdline").read_bytes().split(b"\0")
            if folder in words or any(word.startswith(folder + b"/") for word in words):
                found.append(int(place.name))
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(found)


@pytest.mark.parametrize("point", POINTS)
def test_whoever_is_killed_while_it_submits(
    make_backend: Make, made: Made, workspace: Workspace, emulator: Emulator, point: str
) -> None:
    assert submit_in_a_child(made, workspace, emulator, point) == KILLED
    backend = make_backend()
    (job,) = backend.list()
    assert wait_for(backend, job.id).state is JobState.SUCCEEDED
    assert len(pipelines(workspace, emulator, job.id)) == 1


@pytest.mark.parametrize("is_made", [False, True])
def test_whoever_is_killed_that_asks_dataflow(
    make_backend: Make, made: Made, workspace: Workspace, emulator: Emulator, is_made: bool
) -> None:
    backend = make_backend()
    job = backend.submit(*made)
    while is_made and not pipelines(workspace, emulator, job.id):
        time.sleep(0.01)
    assert end_launch(workspace, job.id) or is_made
    place = LaunchFolder(workspace.job(job.id).launch)
    for path in (place.launched, place.job):
        path.unlink(missing_ok=True)  # as if the last thing that it did were to ask
    assert wait_for(backend, job.id).state is JobState.SUCCEEDED
    assert len(pipelines(workspace, emulator, job.id)) == 1


def test_one_that_is_cancelled_while_it_is_sent_ends_there(
    make_backend: Make, made: Made, workspace: Workspace, emulator: Emulator
) -> None:
    backend = make_backend()
    job = backend.submit(*made)
    assert backend.cancel(job.id).state is JobState.CANCELLING
    assert wait_for(backend, job.id).state is JobState.CANCELLED
    assert {found.state for found in pipelines(workspace, emulator, job.id)} <= {"JOB_STATE_CANCELLED"}
