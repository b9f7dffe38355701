"""The attempt that a supervisor has claimed: what is to run, whether it still should, and the sign that it does."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

from mlmagic.errors import ConflictError, MlmagicError, WorkspaceError
from mlmagic.runtime.ending import quietly
from mlmagic.runtime.watch import Watch
from mlmagic.spec.job import JobRecord, JobSpec, JobState
from mlmagic.workspace.files import sync_folder
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.processes import ProcessIdentity

PAUSES = (0.1, 1.0, 3.0)
"""Before another try to write what could not be written."""
POLL_SECONDS = 1.0
"""How often the row is read for a cancel whose signal was lost."""
HEARTBEAT_SECONDS = 10.0
"""How often the claim's file is touched: from another machine, its age is all that can be seen of a supervisor."""


class Claim:
    """An attempt of a job, and the only process that may run it: this one."""

    def __init__(self, folder: JobFolder, jobs: JobStore, watch: Watch, *, attempt: int, record: JobRecord) -> None:
        self.folder = folder
        self.attempt = attempt
        self.start_time: datetime | None = record.start_time
        """When user code began to run, in the first attempt that came so far."""
        self.spec: JobSpec = record.spec
        self.watch = watch
        self.jobs = jobs
        self._last_beat = time.monotonic()

    @classmethod
    def take(cls, folder: JobFolder, jobs: JobStore, watch: Watch) -> Claim | None:
        """Claim the next attempt of a job; None if another process has it, or it is not QUEUED any more."""
        attempt = _claimed(folder, jobs)
        if attempt is None:
            return None
        return cls(folder, jobs, watch, attempt=attempt, record=jobs.get(folder.id))

    @property
    def is_there(self) -> bool:
        """Nobody has removed the job's folder."""
        return self.folder.claim(self.attempt).exists()

    def began(self) -> None:
        """Say that user code runs."""
        self.start_time = self.start_time or now()
        self.advance(JobState.PENDING, JobState.RUNNING, start_time=self.start_time)
        # Until now there was no time for it: after a power cut it tells that the job was cut off by that.
        quietly(lambda: sync_folder(self.folder.claim(self.attempt)))
        quietly(lambda: sync_folder(self.folder.root))

    def advance(self, expect: JobState, to: JobState, **fields: object) -> None:
        """Change the row where that is possible.

        A cancel may have come in between, and a full disk is the program's to report: neither ends the attempt here.
        """
        with contextlib.suppress(ConflictError, WorkspaceError):
            self.jobs.advance(self.folder.id, expect={expect}, of_attempt=self.attempt, to=to, now=now(), **fields)

    def is_cancelled(self) -> bool:
        """Say whether the attempt must end: it was cancelled, or this process was told to end."""
        if self.watch.told_to_end:
            return True
        with contextlib.suppress(MlmagicError, OSError):
            return self.jobs.get(self.folder.id).state is JobState.CANCELLING
        return False

    def why_cancelled(self) -> str:
        """Return why a cancelled attempt was."""
        if self.is_shut_down():
            return "nobody cancelled it: its supervisor got SIGTERM, as when the machine shuts down"
        return "cancelled"

    def is_shut_down(self) -> bool:
        """Say whether this process was told to end, and nobody cancelled the job."""
        with contextlib.suppress(MlmagicError, OSError):
            return self.watch.told_to_end and self.jobs.get(self.folder.id).state is not JobState.CANCELLING
        return False

    def stop_reason(self) -> str | None:
        """Return why the attempt was told to stop early; None where it was not."""
        with contextlib.suppress(MlmagicError, OSError):
            return self.jobs.get(self.folder.id).stop_reason
        return None

    def wait(self, poll: Callable[[], int | None], seconds: float) -> int | None:
        """Return the status that `poll` comes to, or None if the time is up or the job was cancelled before."""
        deadline = time.monotonic() + seconds
        while (status := poll()) is None:
            left = deadline - time.monotonic()
            if left <= 0 or self.is_cancelled():
                return None
            self.sleep(left)
        return status

    def sleep(self, seconds: float) -> None:
        """Wait for a child, a signal or some of this time, and show that this process lives."""
        if time.monotonic() - self._last_beat >= HEARTBEAT_SECONDS:
            self._last_beat = time.monotonic()
            with contextlib.suppress(OSError):
                os.utime(self.folder.claim(self.attempt))
        self.watch.sleep(min(POLL_SECONDS, seconds))


def _claimed(folder: JobFolder, jobs: JobStore) -> int | None:
    for pause in PAUSES:
        # A database that is locked or was just rebuilt: nobody may be there to start another supervisor.
        with contextlib.suppress(WorkspaceError):
            return jobs.claim(folder.id, ProcessIdentity.current(), now=now())
        time.sleep(pause)
    return jobs.claim(folder.id, ProcessIdentity.current(), now=now())


def now() -> datetime:
    """Return the time as records have it."""
    return datetime.now(UTC)
