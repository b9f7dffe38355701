"""Ending jobs before they end by themselves: because a user said so, or because their study is over."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from mlmagic.backends.local.reconcile import Reconciler, claim_of
from mlmagic.errors import ConflictError, NotFoundError
from mlmagic.spec.job import UNFINISHED, JobRecord, JobState
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.processes import is_alive
from mlmagic.workspace.rows import UnfinishedJob


class Canceller:
    """Writes into a job's row that it is to end, and tells its supervisor."""

    def __init__(self, jobs: JobStore, reconciler: Reconciler) -> None:
        self._jobs = jobs
        self._reconciler = reconciler

    def cancel(self, record: JobRecord, *, stop_reason: str | None = None) -> JobRecord:
        """Have a job end, and return its record at once: CANCELLING or final.

        With a reason, a job that runs is stopped early, and ends SUCCEEDED.

        Raises:
            NotFoundError: it was deleted meanwhile.
        """
        while record.state in UNFINISHED and record.state is not JobState.CANCELLING:
            # A job that nobody has claimed ends here and now: from QUEUED alone can it be claimed.
            is_queued = record.state is JobState.QUEUED
            to = JobState.CANCELLED if is_queued else JobState.CANCELLING
            now = datetime.now(UTC)
            changes: dict[str, Any] = {"end_time": now, "message": "cancelled before it began"} if is_queued else {}
            if record.state is JobState.RUNNING:
                changes["stop_reason"] = stop_reason
            with suppress(ConflictError):
                record = self._jobs.advance(record.id, expect={record.state}, to=to, now=now, **changes)
                break
            record = self._reconciler.check(self._jobs.get(record.id))
        if record.state is JobState.CANCELLING:
            self._tell_supervisor(record)
        return record

    def cancel_orphans(self, unfinished: Iterable[UnfinishedJob]) -> None:
        """Cancel the trials whose study has ended, is to end, or is gone; `unfinished` are all that have not ended."""
        jobs = {job.id: job for job in unfinished}
        for job in jobs.values():
            if job.parent is None or job.state is JobState.CANCELLING:
                continue
            study = jobs.get(job.parent)
            if study is None or study.state is JobState.CANCELLING:
                with suppress(NotFoundError):
                    self.cancel(self._jobs.get(job.id))

    def _tell_supervisor(self, record: JobRecord) -> None:
        # It also finds the row by itself; the signal makes that immediate, unless it was stopped.
        supervisor = claim_of(self._jobs, record.id, record.attempt)
        if supervisor is not None and is_alive(supervisor):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(supervisor.pid, signal.SIGTERM)
                os.kill(supervisor.pid, signal.SIGCONT)
