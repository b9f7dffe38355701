"""Bringing a job back to the queue after an attempt that failed; for supervisors, and for who finds one killed."""

from __future__ import annotations

from datetime import datetime

from mlmagic.errors import ConflictError
from mlmagic.runtime.replicas import read_replicas
from mlmagic.spec.codec import DecodeError, dumps, loads
from mlmagic.spec.job import ExitRecord, JobKind, JobSpec, JobState
from mlmagic.workspace.files import write_atomic
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder

LASTING_ATTEMPTS = 100
"""How often a job that lasts may be killed before it is taken to be beyond help."""


def is_lasting(spec: JobSpec) -> bool:
    """Say whether a job goes on however often it is killed. `JobSpec.max_retries` of a study is that of its trials.

    What a pipeline of the cloud counts for monitoring is counted once: each attempt costs money.
    """
    return spec.kind is JobKind.TUNING or (spec.kind is JobKind.MONITORING and "--runner" not in spec.args)


def retries_left(spec: JobSpec, folder: JobFolder, attempt: int) -> int:
    """Return how many more times a job may be tried after this attempt; replicas started again alone have used some."""
    if is_lasting(spec):
        return max(0, LASTING_ATTEMPTS - attempt)
    return max(0, spec.max_retries - (attempt - 1) - read_replicas(folder).restarts)


def requeue(jobs: JobStore, folder: JobFolder, ended: ExitRecord, *, message: str, now: datetime) -> bool:
    """Keep how an attempt ended as `attempt-N.json`, and make its job QUEUED again.

    Returns:
        False if the job is not in an attempt any more, as when it was cancelled meanwhile.

    Raises:
        MlmagicError: the row cannot be written.
        OSError: the disk is full.
    """
    write_atomic(folder.attempt_exit(ended.attempt), dumps(ended))
    running = {JobState.PENDING, JobState.RUNNING}
    try:
        jobs.advance(folder.id, expect=running, of_attempt=ended.attempt, to=JobState.QUEUED, now=now, message=message)
    except ConflictError:
        found = jobs.get(folder.id)
        # Unless another process has done the same.
        if found.attempt == ended.attempt and found.state is not JobState.QUEUED:
            folder.attempt_exit(ended.attempt).unlink(missing_ok=True)
        return False
    return True


def retry_message(spec: JobSpec, ended: ExitRecord, left: int) -> str:
    """Return `attempt 1 failed: ended by SIGKILL; 2 retries left`."""
    if is_lasting(spec):
        what = "the study" if spec.kind is JobKind.TUNING else "monitoring"
        return f"attempt {ended.attempt} failed: {reason(ended)}; {what} goes on"
    return f"attempt {ended.attempt} failed: {reason(ended)}; {counted_retries(left)} left"


def counted_retries(count: int) -> str:
    """Return `1 retry`, `2 retries`."""
    return f"{count} {'retry' if count == 1 else 'retries'}"


def attempt_line(spec: JobSpec, folder: JobFolder, attempt: int) -> str:
    """Return `attempt 2 of 4 (attempt 1: ended by SIGKILL)`."""
    line = f"attempt {attempt}"
    if not is_lasting(spec):
        line += f" of {spec.max_retries + 1}"
    try:
        before = loads(ExitRecord, folder.attempt_exit(attempt - 1).read_bytes())
    except (OSError, DecodeError):
        return line
    return f"{line} (attempt {attempt - 1}: {reason(before)})"


def reason(ended: ExitRecord) -> str:
    """Return why an attempt failed, in a few words."""
    message = ended.error.message if ended.error else ended.message or "unknown"
    return message.removeprefix("the program was ").removeprefix("the program ")
