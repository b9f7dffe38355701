"""The truth about jobs whose supervisor was killed, or never came to be; asked for by every reader.

Only jobs that are not final are looked at. Several readers may look at once: the rows' compare-and-set lets one win.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable
from datetime import UTC, datetime

from mlmagic.errors import BackendError, ConflictError, MlmagicError
from mlmagic.runtime.ending import REMOVED
from mlmagic.runtime.members import end_members
from mlmagic.spec.codec import DecodeError, loads
from mlmagic.spec.job import UNFINISHED, ExitRecord, JobError, JobRecord, JobState, fields_of
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.models import ModelStore
from mlmagic.workspace.processes import ProcessIdentity, is_alive, same_boot

PATIENCE_SECONDS = 5.0
"""How long a job may stay QUEUED before its supervisor is taken to be missing, and is started again."""


class Reconciler:
    """Compares what the rows say with the processes that are there. `boot_id` stands in for the machine's in tests."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        jobs: JobStore,
        models: ModelStore,
        start: Callable[[JobFolder], None],
        boot_id: str | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._models = models
        self._start = start
        self._boot_id = boot_id
        self._patience = patience
        self._started: dict[str, float] = {}

    def check(self, record: JobRecord) -> JobRecord:
        """Return the record as it should be, after writing it so where that was possible."""
        if record.state.is_final:
            return record
        supervisor = last_claim(self._jobs, record.id)
        if supervisor is not None and is_alive(supervisor, boot_id=self._boot_id):
            return record
        if record.state is JobState.QUEUED:
            return self._start_again(record)
        return self._record_end(record, supervisor)

    def _start_again(self, record: JobRecord) -> JobRecord:
        # Whoever submitted it has most likely just started its supervisor; if not, any number of them may be started,
        # since only one gets the claim. This one waits its turn so that a loop over `get` does not start hundreds.
        age = (datetime.now(UTC) - record.create_time).total_seconds()
        last = self._started.get(record.id)
        # A clock that was set back would make it wait for ever.
        if 0 <= age < self._patience or (last is not None and time.monotonic() - last < self._patience):
            return record
        self._started[record.id] = time.monotonic()
        try:
            self._start(self._workspace.job(record.id))
        except BackendError:
            return self._jobs.get(record.id)
        return record

    def _record_end(self, record: JobRecord, supervisor: ProcessIdentity | None) -> JobRecord:
        folder = self._workspace.job(record.id)
        restarted = supervisor is not None and not same_boot(supervisor, boot_id=self._boot_id)
        if not restarted:
            end_members(record.id, session=_own_session(supervisor))
        end = _read_exit(folder) or self._made_up(record, restarted=restarted)
        with contextlib.suppress(OSError):
            folder.exit_reserve.unlink(missing_ok=True)
        try:
            return self._jobs.advance(
                record.id, expect=UNFINISHED, to=end.state, now=datetime.now(UTC), **fields_of(end)
            )
        except ConflictError:
            return self._jobs.get(record.id)
        except MlmagicError:
            # On a full disk the row cannot be written; what is true can still be said.
            return dataclasses.replace(record, state=end.state, **fields_of(end))  # type: ignore[arg-type]

    def _made_up(self, record: JobRecord, *, restarted: bool) -> ExitRecord:
        now = datetime.now(UTC)
        if version := self._registered_version(record):
            return ExitRecord(
                attempt=record.attempt,
                state=JobState.SUCCEEDED,
                exit_code=0,
                end_time=now,
                model_version=version,
                message=f"{version} · its supervisor was killed just after making it",
            )
        if record.state is JobState.CANCELLING:
            return ExitRecord(attempt=record.attempt, state=JobState.CANCELLED, end_time=now, message="cancelled")
        error = _restarted() if restarted else _killed()
        if not self._workspace.job(record.id).claim(record.attempt).exists():
            error = REMOVED
        return ExitRecord(
            attempt=record.attempt,
            state=JobState.LOST if restarted else JobState.FAILED,
            end_time=now,
            error=error,
            message=error.message,
        )

    def _registered_version(self, record: JobRecord) -> str | None:
        if record.spec.model is None:
            return None
        with contextlib.suppress(MlmagicError):
            for version in self._models.versions(record.spec.model):
                if version.origin.job_id == record.id:
                    return str(version)
        return None


def last_claim(jobs: JobStore, job_id: str) -> ProcessIdentity | None:
    """Return the supervisor of the newest attempt, dead or alive."""
    claims = jobs.claims(job_id)
    return claims[max(claims)] if claims else None


def _own_session(supervisor: ProcessIdentity | None) -> int | None:
    """Return the session of a dead supervisor, unless its number has been given to somebody else since."""
    if supervisor is None or ProcessIdentity.of(supervisor.pid) is not None:
        return None
    return supervisor.pid


def _read_exit(folder: JobFolder) -> ExitRecord | None:
    try:
        return loads(ExitRecord, folder.exit.read_bytes())
    except (OSError, DecodeError):
        return None


def _killed() -> JobError:
    return JobError(
        message="its supervisor was killed, and the program was ended with it",
        hint="Something outside of mlmagic did this, such as running out of memory. What it wrote so far is kept.",
    )


def _restarted() -> JobError:
    return JobError(
        message="the machine was restarted while it ran",
        hint="What it wrote so far is kept. Run it again.",
    )
