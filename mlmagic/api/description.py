"""All that is known about one job, read at one moment."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlmagic.spec.advice import usage_hints
from mlmagic.spec.job import READING_KINDS, JobKind, JobRecord, JobState
from mlmagic.spec.monitoring_alert import MonitorStatus
from mlmagic.spec.report import JobDescription, Progress, Reading, StateChange
from mlmagic.spec.usage import Usage

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend

_LOG_BYTES = 1 << 16
"""How much of a log's end is read: the panel shows less, and the line that tells the epoch may stand further up."""


class Description(JobDescription):
    """A job's description, shown as a panel."""

    __slots__ = ()

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import description_bundle

        return description_bundle(self)


def describe(
    backend: Backend, job_id: str, *, known_usage: Usage | None = None, now: datetime | None = None
) -> Description:
    """Return all that is known about a job now. What it costs does not grow with the length of the job.

    `known_usage`, read a moment ago, saves most of it while the job goes on.
    """
    record = backend.get(job_id)
    log_tail = read_log_tail(backend, job_id)
    changes = backend.changes(job_id)
    now = now or datetime.now(UTC)
    reading = read_job_reading(record, changes, log_tail, now)
    monitor = read_job_monitor(record, log_tail)
    progress = read_job_progress(record, log_tail) if reading is None and monitor is None else None
    usage = known_usage if known_usage is not None and not record.state.is_final else backend.usage(job_id)
    return Description(
        record=record,
        changes=changes,
        replicas=backend.replicas(job_id),
        usage=usage,
        progress=progress,
        reading=reading,
        monitor=monitor,
        eta_seconds=remaining_seconds(record, changes, progress or reading, now),
        waiting_for=backend.waiting_for(job_id),
        log_tail=log_tail,
        hints=_hints(record, usage),
    )


def _hints(record: JobRecord, usage: Usage) -> tuple[str, ...]:
    if not record.state.is_final:
        return ()  # what a job would have needed is not known before its end
    # A local job ran where its workspace is, and that is most likely here.
    return usage_hints(record, usage, machine_cores=os.cpu_count() if record.spec.backend == "local" else None)


def read_log_tail(backend: Backend, job_id: str) -> str:
    """Return the end of the chief's log, as much of it as a panel can use."""
    return backend.logs(job_id, offset=-_LOG_BYTES).text


def read_job_progress(record: JobRecord, log_tail: str) -> Progress | None:
    """Return how far training is; None where the log does not tell, and of a job that has not begun."""
    from mlmagic.runtime.progress import read_progress

    return read_progress(log_tail) if record.start_time is not None else None


def read_job_reading(
    record: JobRecord, changes: tuple[StateChange, ...], log_tail: str, now: datetime
) -> Reading | None:
    """Return how far preprocessing is; None where the log does not tell, and of a job that does something else."""
    from mlmagic.runtime.reading import read_reading, with_rate

    if record.spec.kind not in READING_KINDS or record.start_time is None:
        return None
    reading = read_reading(log_tail)
    if reading is None:
        return None
    return with_rate(reading, ((record.end_time or now) - _began(record.start_time, changes)).total_seconds())


def read_job_monitor(record: JobRecord, log_tail: str) -> MonitorStatus | None:
    """Return how far monitoring is; None where the log does not tell, and of a job that does something else."""
    from mlmagic.runtime.monitored import read_monitor

    return read_monitor(log_tail) if record.spec.kind is JobKind.MONITORING else None


def remaining_seconds(
    record: JobRecord, changes: tuple[StateChange, ...], progress: Progress | Reading | None, now: datetime
) -> float | None:
    """Return how long a running job will still take; None while that cannot be told."""
    from mlmagic.runtime.progress import estimate_remaining
    from mlmagic.runtime.reading import remaining_seconds as reading_seconds

    if record.state is not JobState.RUNNING or progress is None or record.start_time is None:
        return None
    if isinstance(progress, Reading):
        return reading_seconds(progress)
    return estimate_remaining(progress, _began(record.start_time, changes), now)


def _began(first: datetime, changes: tuple[StateChange, ...]) -> datetime:
    # A later attempt began later than the job did.
    return max((change.time for change in changes if change.state is JobState.RUNNING), default=first)
