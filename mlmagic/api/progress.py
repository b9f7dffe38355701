"""How far a job is, for somebody who waits for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlmagic.spec.job import READING_KINDS, JobKind, JobRecord, JobState
from mlmagic.spec.report import JobDescription, Progress, Reading

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend

_FIRST_BYTES = 1 << 16


class ProgressFollower:
    """Reads of a job's log only what is new, and tells from it how far the job is."""

    def __init__(self, backend: Backend, job_id: str) -> None:
        from mlmagic.runtime.monitored import MonitorFollower
        from mlmagic.runtime.progress import ProgressReader
        from mlmagic.runtime.reading import ReadingFollower

        self._backend, self._job_id = backend, job_id
        self._epochs, self._readings, self._looks = ProgressReader(), ReadingFollower(), MonitorFollower()
        self._offset = -_FIRST_BYTES
        self._told: Progress | Reading | None = None
        self._first: tuple[datetime, Progress | Reading] | None = None

    def look(self, record: JobRecord) -> JobDescription:
        """Return the record with progress and with how long it will still take, as far as these are known."""
        if record.spec.kind is JobKind.MONITORING:
            return self._of_monitoring(record)
        now = datetime.now(UTC)
        reader = self._readings if record.spec.kind in READING_KINDS else self._epochs
        while (chunk := self._backend.logs(self._job_id, offset=self._offset)).text:
            self._offset = chunk.next_offset
            self._told = reader.feed(chunk.text)
        self._offset = chunk.next_offset
        told = self._told
        if told is not None and (self._first is None or told.fraction < self._first[1].fraction):
            self._first = now, told
        if isinstance(told, Reading):
            return self._of_reading(record, told, now)
        return JobDescription(record=record, progress=told, eta_seconds=self._remaining(record, now))

    def _of_monitoring(self, record: JobRecord) -> JobDescription:
        status = None
        while (chunk := self._backend.logs(self._job_id, offset=self._offset)).text:
            self._offset = chunk.next_offset
            status = self._looks.feed(chunk.text)
        self._offset = chunk.next_offset
        return JobDescription(record=record, monitor=status or self._looks.feed(""))

    def _of_reading(self, record: JobRecord, reading: Reading, now: datetime) -> JobDescription:
        from mlmagic.runtime.reading import remaining_seconds, with_rate

        # What was seen to happen tells more than the time since the start, in which libraries were loaded.
        if self._first is not None and isinstance(first := self._first[1], Reading):
            reading = with_rate(reading, (now - self._first[0]).total_seconds(), since=first)
        if reading.bytes_per_second is None and record.start_time is not None:
            reading = with_rate(reading, (now - record.start_time).total_seconds())
        left = remaining_seconds(reading) if record.state is JobState.RUNNING else None
        return JobDescription(record=record, reading=reading, eta_seconds=left)

    def _remaining(self, record: JobRecord, now: datetime) -> float | None:
        from mlmagic.runtime.progress import estimate_remaining

        progress = self._told
        if not isinstance(progress, Progress) or self._first is None or record.start_time is None:
            return None
        if record.state is not JobState.RUNNING:
            return None
        began, first = self._first
        seen = None
        # Without steps it is not known how much of the first epoch was over then: of too few, that is too much.
        if isinstance(first, Progress) and (progress.step is not None or progress.epoch - first.epoch > 1):
            seen = estimate_remaining(progress, began, now, since=first)
        return seen if seen is not None else estimate_remaining(progress, record.start_time, now)
