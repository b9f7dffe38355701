"""Dataflow refuses the call of Beam that makes a job, or its answer is lost: one job or one sentence, never both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.pipelines import make_pipeline

from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.dataflow_endings import launch_ending
from mlmagic.backends.google.dataflow_launch import Launched, LaunchFolder
from mlmagic.backends.google.dataflow_words import job_name
from mlmagic.backends.google.names import workspace_label
from mlmagic.backends.google.remote import RemoteRecord
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.emulator.launch import Emulator
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import wait_for
from mlmagic.workspace.files import make_folder
from mlmagic.workspace.layout import JobFolder, Workspace

REMOTE = RemoteRecord(
    attempt=1, project="p", region="r", sent_time=datetime(2026, 1, 1, tzinfo=UTC), output="gs://b/mlmagic/jobs/x"
)
BEAM = '  File "/x/apache_beam/runners/dataflow/internal/apiclient.py", line 9, in submit_job_description\n    call()\n'
USER = '  File "/x/preprocessor/clean.py", line 3, in clean\n    call()\n'
POST = "POST https://dataflow.googleapis.com/v1b3/projects/p/locations/r/jobs?x=1: "


def ending_of(folder: Path, frame: str, line: str) -> tuple[str, bool]:
    """What is told of a launch that said that, and whether the attempt may be made again."""
    place = LaunchFolder(JobFolder(folder).launch)
    make_folder(place.root)
    place.log.write_text(f"Traceback (most recent call last):\n{frame}{line}\n")
    ending = launch_ending(Launched(attempt=1, exit_code=1), REMOTE, JobFolder(folder), str)
    return ending.message or "", ending.is_retriable


@pytest.mark.parametrize(
    ("line", "told", "is_retriable"),
    [
        (f"google.api_core.exceptions.BadRequest: 400 {POST}no", "Dataflow job: Google refuses it: no", False),
        (f"google.api_core.exceptions.NotFound: 404 {POST}none", "cannot create the Dataflow job: none", False),
        (f"google.api_core.exceptions.InternalServerError: 500 {POST}oops", "no answer from Google: oops", True),
        ("requests.exceptions.ReadTimeout: (host='d', port=443): Read timed out.", "d has taken too long", True),
    ],
)
def test_what_google_says_to_beam_is_told_in_one_sentence(
    tmp_path: Path, line: str, told: str, is_retriable: bool
) -> None:
    message, again = ending_of(tmp_path, BEAM, line)
    assert told in message
    assert "\n" not in message
    assert again is is_retriable


def test_what_a_cell_hears_of_google_keeps_its_traceback(tmp_path: Path) -> None:
    message, _ = ending_of(tmp_path, USER, f"google.api_core.exceptions.Forbidden: 403 {POST}no")
    assert message.startswith("google.api_core.exceptions.Forbidden: 403")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_job_whose_answer_is_lost_is_made_once_and_one_that_is_refused_is_told(
    make_backend: Callable[..., GoogleBackend],
    workspace: Workspace,
    emulator: Emulator,
    fault: Callable[..., None],
    tmp_path: Path,
) -> None:
    backend, calls = make_backend(), GoogleClient(emulator_settings(emulator.root)).pipelines
    pipeline = make_pipeline(workspace, tmp_path)
    fault("CreateJob", drop="after", times=1)
    lost = wait_for(backend, backend.submit(*pipeline).id)
    fault("CreateJob", status=403, message="no way")
    refused = wait_for(backend, backend.submit(*pipeline).id)
    label = workspace_label(str(workspace.root))
    assert [len(calls.find(job_name(job.id, 1, label))) for job in (lost, refused)] == [1, 0]
    assert (lost.state, refused.state) == (JobState.SUCCEEDED, JobState.FAILED)
    told = "cannot create the Dataflow job: these credentials may not do that in project emulated-project: no way"
    assert refused.message == told
