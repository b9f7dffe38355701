"""How far a job's training is, for somebody who waits for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlmagic.spec.job import JobRecord, JobState
from mlmagic.spec.report import JobDescription, Progress

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend

_FIRST_BYTES = 1 << 16


class ProgressFollower:
    """Reads of a job's log only what is new, and tells from it how far training is."""

    def __init__(self, backend: Backend, job_id: str) -> None:
        from mlmagic.runtime.progress import ProgressReader

        self._backend, self._job_id = backend, job_id
        self._reader = ProgressReader()
        self._offset = -_FIRST_BYTES
        self._progress: Progress | None = None
        self._first: tuple[datetime, Progress] | None = None

    def look(self, record: JobRecord) -> JobDescription:
        """Return the record with progress and with how long it will still take, as far as these are known."""
        now = datetime.now(UTC)
        while (chunk := self._backend.logs(self._job_id, offset=self._offset)).text:
            self._offset = chunk.next_offset
            self._progress = self._reader.feed(chunk.text)
        self._offset = chunk.next_offset
        progress = self._progress
        if progress is not None and (self._first is None or progress.fraction < self._first[1].fraction):
            self._first = now, progress
        return JobDescription(record=record, progress=progress, eta_seconds=self._remaining(record, now))

    def _remaining(self, record: JobRecord, now: datetime) -> float | None:
        from mlmagic.runtime.progress import estimate_remaining

        if self._progress is None or self._first is None or record.start_time is None:
            return None
        if record.state is not JobState.RUNNING:
            return None
        # What was seen to happen tells more than the time since the start, in which libraries were loaded.
        began, first = self._first
        # Without steps it is not known how much of the first epoch was over then: of too few, that is too much.
        is_told = self._progress.step is not None or self._progress.epoch - first.epoch > 1
        seen = estimate_remaining(self._progress, began, now, since=first) if is_told else None
        return seen if seen is not None else estimate_remaining(self._progress, record.start_time, now)
