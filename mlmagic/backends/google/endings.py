"""How an attempt ended, told from what Google says of its job and from its log."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import UTC, datetime

from mlmagic.backends.google.logs import log_path
from mlmagic.backends.google.remote import RemoteJob
from mlmagic.backends.google.states import state_of
from mlmagic.runtime.diagnosis import diagnose, find_traceback
from mlmagic.runtime.ending import Ending, failed, of_replica, read_tail, stopped_early, timed_out
from mlmagic.spec.job import JobError, JobRecord, JobState
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder

_CHIEF_TASK = "workerpool0-0"
_LIMIT_HINT = "Google Cloud's console may tell more: look for the job's id among the custom jobs of Vertex AI."


def plain_ending(record: JobRecord, state: JobState | None, *, is_late: bool) -> Ending | None:
    """Return the ending that needs no reason from Google: a success, a timeout, or what somebody asked for."""
    if state is JobState.SUCCEEDED:
        return Ending(state=JobState.SUCCEEDED, exit_code=0)
    if record.state is JobState.CANCELLING:
        if record.stop_reason is not None:
            return stopped_early(record.stop_reason, None)
        return Ending(state=JobState.CANCELLED, message="cancelled")
    if is_late:
        return timed_out(record.spec.timeout_seconds, None)
    if state is JobState.CANCELLED:
        return Ending(state=JobState.CANCELLED, message="cancelled in Google Cloud")
    return None


def ending_of(record: JobRecord, job: RemoteJob, folder: JobFolder, translate: Callable[[str], str]) -> Ending:
    """Return how a job ended of which Google says that it has.

    Args:
        record: as it was until now; CANCELLING if it was asked to end.
        job: in one of Google's final states.
        folder: has the whole log.
        translate: makes the frames of a traceback point at the notebook.
    """
    state = state_of(job.state)
    if (plain := plain_ending(record, state, is_late=_is_timeout(record, job))) is not None:
        return plain
    if state is JobState.FAILED:
        return _failed(job, folder, translate)
    message = _one_line(job.error or f"Vertex AI says {job.state}")
    ended = JobError(message=message, hint=_LIMIT_HINT)
    return Ending(state=state or JobState.FAILED, error=ended, message=message)


def runs_too_long(record: JobRecord, job: RemoteJob) -> bool:
    """Say whether a job that runs has had its time; this is for those of which Google knows no limit."""
    limit = record.spec.timeout_seconds
    return limit is not None and job.start_time is not None and _seconds_since(job.start_time) >= limit


def translator(jobs: JobStore, job_id: str) -> Callable[[str], str]:
    """Return what makes the frames of a job's traceback point at notebook cells."""

    def translate(raw: str) -> str:
        from mlmagic.source.sourcemap import translate as translated

        source_map = jobs.source_map(job_id)
        if source_map is None:
            return raw
        try:
            return translated(raw, source_map, jobs.sources(job_id))
        except Exception:  # noqa: BLE001 - a traceback that cannot be improved is still a traceback
            traceback.print_exc()
            return raw

    return translate


def tells_why(job: RemoteJob, folder: JobFolder) -> bool:
    """Say whether the log has what a program that ended with status 1 is expected to print last."""
    if job.exit_code != 1:
        return True
    return bool(read_tail(log_path(folder, job.failed_task or _CHIEF_TASK)).strip())


def _failed(job: RemoteJob, folder: JobFolder, translate: Callable[[str], str]) -> Ending:
    status = job.exit_code
    if status is None:
        return failed(_one_line(job.error or "Vertex AI gave no reason"), hint=_LIMIT_HINT)
    task = job.failed_task or _CHIEF_TASK
    log = log_path(folder, task)
    tail = read_tail(log)
    error = diagnose(status, tail, translate=translate, disk_is_full=False, is_elsewhere=True)
    if task != _CHIEF_TASK:
        error = JobError(
            message=of_replica(log.stem, error.message),
            details=error.details,
            traceback=error.traceback,
            hint=error.hint,
        )
    return Ending(
        state=JobState.FAILED,
        exit_code=status,
        error=error,
        message=error.message,
        is_retriable=True,
        raw_traceback=find_traceback(tail) if task == _CHIEF_TASK else None,
    )


def _is_timeout(record: JobRecord, job: RemoteJob) -> bool:
    """Say whether the job was ended for having run too long. Unverified: in which state Vertex AI leaves it then."""
    limit = record.spec.timeout_seconds
    if limit is None or job.exit_code is not None or job.start_time is None or job.end_time is None:
        return False
    return (job.end_time - job.start_time).total_seconds() >= limit


def _seconds_since(time: datetime) -> float:
    return (datetime.now(UTC) - time).total_seconds()


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500]
