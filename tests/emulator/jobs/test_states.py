"""What is told of a job's progress."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlmagic.backends.google.states import STATES as WORDS
from mlmagic.emulator.jobs.states import FINAL_STATES, STATES, progress
from mlmagic.spec.job import JobError, JobKind, JobRecord, JobSpec, JobState, PackageReference

BEGIN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def record(state: JobState, *, kind: JobKind = JobKind.TRAINING, **changes: Any) -> JobRecord:
    spec = JobSpec(display_name="customJobs-1", kind=kind, package=PackageReference(digest="d"))
    return JobRecord(id="j", spec=spec, state=state, create_time=BEGIN, update_time=BEGIN, **changes)


def told(made: JobRecord, *, seconds: float = 60, **more: Any) -> dict[str, Any]:
    return progress(made, now=BEGIN + timedelta(seconds=seconds), **more)


def test_every_state_is_one_that_clients_know() -> None:
    assert set(STATES) == set(JobState)
    assert set(STATES.values()) <= set(WORDS)
    assert all(STATES[state] in FINAL_STATES for state in JobState if state.is_final)


def test_a_job_is_pending_until_its_machine_is_up() -> None:
    running = record(JobState.RUNNING, start_time=BEGIN)
    assert told(running, seconds=4, start_delay_seconds=5)["state"] == "JOB_STATE_PENDING"
    later = told(running, seconds=6, start_delay_seconds=5)
    assert (later["state"], later["start_time"], later["update_time"]) == (
        "JOB_STATE_RUNNING",
        "2026-01-02T03:04:10.000000Z",
        "2026-01-02T03:04:10.000000Z",
    )


def test_a_job_that_ended_before_its_machine_was_up_never_ran() -> None:
    ended = record(JobState.CANCELLED, start_time=BEGIN, end_time=BEGIN + timedelta(seconds=1))
    fields = told(ended, start_delay_seconds=5)
    assert "start_time" not in fields
    assert fields["error"] == {"code": 1, "message": "CANCELED"}


@pytest.mark.parametrize(
    ("exit_code", "message", "begins"),
    [
        (1, "ValueError: x", "The replica workerpool0-0 exited with a non-zero status of 1. "),
        (-9, "the program was ended by SIGKILL", "The replica workerpool0-0 exited with a non-zero status of 137. "),
        (2, "worker-1 failed: ValueError: x", "The replica workerpool1-1 exited with a non-zero status of 2. "),
        (-11, "ps-0 was ended by SIGSEGV", "The replica workerpool2-0 exited with a non-zero status of 139. "),
    ],
)
def test_the_replica_that_failed(exit_code: int, message: str, begins: str) -> None:
    failed = record(JobState.FAILED, end_time=BEGIN, exit_code=exit_code, error=JobError(message=message))
    error = told(failed)["error"]
    assert error["code"] == 3
    assert error["message"].startswith(f"{begins}Termination reason: Error. \n{message}\n")


def test_a_long_traceback_is_shortened_in_its_middle() -> None:
    lines = ["Traceback (most recent call last):", *(f"  line {number}" for number in range(1000)), "ValueError: x"]
    error = JobError(message="ValueError: x", traceback="\n".join(lines))
    message = told(record(JobState.FAILED, end_time=BEGIN, exit_code=1, error=error))["error"]["message"]
    assert "Traceback (most recent call last):\n  [...]\n  line " in message
    assert "  line 999\nValueError: x\n" in message
    assert len(message) < 2500


@pytest.mark.parametrize(
    ("made", "was_preempted"),
    [
        (record(JobState.LOST, end_time=BEGIN, error=JobError(message="the machine went away")), False),
        (record(JobState.FAILED, end_time=BEGIN, exit_code=143, error=JobError(message="x")), True),
    ],
)
def test_the_fault_of_a_machine_is_internal(made: JobRecord, was_preempted: bool) -> None:
    fields = told(made, was_preempted=was_preempted)
    assert fields["state"] == "JOB_STATE_FAILED"
    assert fields["error"] == {"code": 13, "message": "Internal error occurred for the current attempt."}


def test_a_search_that_failed_says_why() -> None:
    failed = record(
        JobState.FAILED, kind=JobKind.TUNING, end_time=BEGIN, exit_code=1, error=JobError(message="2 trials failed")
    )
    assert told(failed)["error"] == {"code": 13, "message": "2 trials failed"}
