"""What is told of a job that did not succeed."""

from __future__ import annotations

import dataclasses

import pytest

from mlmagic.api.failures import failure_line, job_failed
from mlmagic.spec.job import JobError, JobRecord, JobState


def test_a_failure_names_job_exit_code_error_and_cell(failed: JobRecord) -> None:
    error = job_failed(failed, "the job")
    assert str(error).splitlines() == [
        "taxi-20260131-000000-0a1b failed with exit code 1: ZeroDivisionError: division by zero (Cell [5], line 3)",
        "See the log: %jobs logs taxi-20260131-000000-0a1b",
    ]
    assert error.job == "the job"


def test_a_hint_stands_before_the_log(failed: JobRecord) -> None:
    error = JobError(message="the disk is full", hint="Free some space.")
    assert job_failed(dataclasses.replace(failed, error=error), None).hint == (
        "Free some space. · %jobs logs taxi-20260131-000000-0a1b"
    )


def test_the_lines_of_a_long_message_are_listed(failed: JobRecord) -> None:
    error = JobError(message="features cannot be used:", details="  - fare: no column\n  - tip: no column")
    assert job_failed(dataclasses.replace(failed, error=error), None).problems == ("fare: no column", "tip: no column")


def test_a_program_that_says_how_it_ended_is_not_told_twice(failed: JobRecord) -> None:
    error = JobError(message="the program ended with exit status 2: no such file")
    record = dataclasses.replace(failed, error=error, exit_code=2)
    assert failure_line(record) == f"{record.id} failed: the program ended with exit status 2: no such file"


@pytest.mark.parametrize(
    ("state", "exit_code", "told"),
    [
        (JobState.CANCELLED, -15, "was cancelled by SIGTERM."),
        (JobState.FAILED, -9, "failed by SIGKILL: it broke"),
        (JobState.FAILED, -99, "failed by signal 99: it broke"),
        (JobState.FAILED, 0, "failed: it broke"),
        (JobState.LOST, None, "was lost: this machine went away under it: it broke"),
    ],
)
def test_every_ending_has_its_words(failed: JobRecord, state: JobState, exit_code: int | None, told: str) -> None:
    record = dataclasses.replace(failed, state=state, exit_code=exit_code, error=JobError(message="it broke"))
    assert failure_line(record) == f"{record.id} {told}"
