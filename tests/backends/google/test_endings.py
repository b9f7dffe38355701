"""How jobs end of which Google says that they have."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlmagic.backends.google.endings import ending_of
from mlmagic.backends.google.remote import RemoteJob
from mlmagic.spec.job import JobRecord, JobSpec, JobState, PackageReference
from mlmagic.workspace.files import make_folder
from mlmagic.workspace.layout import JobFolder

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
SPEC = JobSpec(display_name="taxi", package=PackageReference(digest="d"), timeout_seconds=60.0)
RECORD = JobRecord(id="taxi-x", spec=SPEC, state=JobState.RUNNING, create_time=START, update_time=START)
SAID = "The replica workerpool0-0 exited with a non-zero status of 1. Termination reason: Error."


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    make_folder(tmp_path / "logs")
    return JobFolder(tmp_path)


def job(state: str, *, seconds: float = 10, error: str | None = None) -> RemoteJob:
    end = START + timedelta(seconds=seconds)
    return RemoteJob(name="n", state=f"JOB_STATE_{state}", start_time=START, end_time=end, error=error)


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_job_that_ran_too_long(folder: JobFolder, state: str) -> None:
    ending = ending_of(RECORD, job(state, seconds=61), folder, str)
    assert (ending.state, ending.message) == (JobState.FAILED, "the program ran longer than its timeout of 60 s")
    assert not ending.is_retriable


def test_a_program_that_failed_says_why_in_its_log(folder: JobFolder) -> None:
    folder.log().write_text('Traceback (most recent call last):\n  File "a.py", line 1, in f\nKeyError: 7\n')
    ending = ending_of(RECORD, job("FAILED", error=SAID), folder, lambda raw: raw.replace("a.py", "Cell [3]"))
    assert ending.error is not None
    assert (ending.exit_code, ending.error.message, ending.is_retriable) == (1, "KeyError: 7", True)
    assert "Cell [3]" in (ending.error.traceback or "")


def test_without_a_status_googles_own_words_are_told(folder: JobFolder) -> None:
    ending = ending_of(RECORD, job("FAILED", error="Resources are insufficient in\nregion: us-central1."), folder, str)
    assert ending.error is not None
    assert ending.error.message == "Resources are insufficient in region: us-central1."
    assert not ending.is_retriable


@pytest.mark.parametrize("remote", ["CANCELLED", "FAILED"])
def test_what_was_asked_to_end_ends_as_it_was_asked_to(folder: JobFolder, remote: str) -> None:
    asked = dataclasses.replace(RECORD, state=JobState.CANCELLING)
    stopped = dataclasses.replace(asked, stop_reason="it is enough")
    assert ending_of(asked, job(remote), folder, str).state is JobState.CANCELLED
    assert ending_of(stopped, job(remote), folder, str).message == "stopped early: it is enough"
    assert ending_of(stopped, job("SUCCEEDED"), folder, str).exit_code == 0


def test_a_job_that_nobody_here_cancelled(folder: JobFolder) -> None:
    ending = ending_of(RECORD, job("CANCELLED"), folder, str)
    assert (ending.state, ending.message) == (JobState.CANCELLED, "cancelled in Google Cloud")


def test_an_end_of_another_kind_keeps_its_state(folder: JobFolder) -> None:
    ending = ending_of(RECORD, job("EXPIRED"), folder, str)
    assert ending.error is not None
    assert (ending.state, ending.error.message) == (JobState.EXPIRED, "Vertex AI says JOB_STATE_EXPIRED")
