"""What a user is told about a job that did not succeed, in one or two lines."""

from __future__ import annotations

import signal

from mlmagic.errors import JobFailed
from mlmagic.panels.traceback import place_of
from mlmagic.spec.job import JobRecord, JobState

_WORDS = {
    JobState.FAILED: "failed",
    JobState.CANCELLED: "was cancelled",
    JobState.EXPIRED: "expired",
    JobState.LOST: "was lost: this machine went away under it",
    JobState.PARTIALLY_SUCCEEDED: "succeeded only in part",
}


def job_failed(record: JobRecord, job: object) -> JobFailed:
    """Return the error for a job that ended in another state than SUCCEEDED."""
    details = record.error.details if record.error else None
    problems = [line.strip().removeprefix("- ") for line in (details or "").splitlines()]
    return JobFailed(failure_line(record), job=job, problems=problems, hint=_hint(record))


def failure_line(record: JobRecord) -> str:
    """Return `ID failed with exit code 1: ZeroDivisionError: division by zero (Cell [5], line 3)`."""
    line = f"{record.id} {_WORDS.get(record.state, f'is {record.state}')}"
    is_told = record.error is not None and record.error.message.startswith("the program ")
    line += "" if is_told else _exit(record.exit_code)
    if record.error is None or record.state is JobState.CANCELLED:
        return line + "."
    place = place_of(record.error.traceback)
    return f"{line}: {record.error.message}" + (f" ({place})" if place and place not in record.error.message else "")


def _exit(code: int | None) -> str:
    if code is None or code == 0:
        return ""
    if code > 0:
        return f" with exit code {code}"
    try:
        return f" by {signal.Signals(-code).name}"
    except ValueError:
        return f" by signal {-code}"


def _hint(record: JobRecord) -> str:
    log = f"%jobs logs {record.id}"
    told = record.error.hint if record.error else None
    return f"{told} · {log}" if told else f"See the log: {log}"
