"""The truth about jobs whose supervisor was killed; asked for by the agent and by every reader.

Only jobs that are not final are looked at. Several readers may look at once: the rows' compare-and-set lets one win.
"""

from __future__ import annotations

import contextlib
import dataclasses
from datetime import UTC, datetime

from mlmagic.errors import ConflictError, MlmagicError
from mlmagic.runtime.ending import REMOVED, STOPPED_EARLY, Ending
from mlmagic.runtime.job_metrics import job_metrics
from mlmagic.runtime.members import end_members
from mlmagic.runtime.monitored import read_monitored
from mlmagic.runtime.predicted import read_predicted
from mlmagic.runtime.preprocessed import made_version
from mlmagic.runtime.retries import requeue, retries_left, retry_message
from mlmagic.spec.codec import DecodeError, loads
from mlmagic.spec.job import ExitRecord, JobError, JobKind, JobRecord, JobState, fields_of
from mlmagic.workspace.database import Database
from mlmagic.workspace.datasets import DatasetStore
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.models import ModelStore
from mlmagic.workspace.processes import ProcessIdentity, is_alive, is_elsewhere, is_gone, same_boot

_RUNNING = frozenset({JobState.PENDING, JobState.RUNNING})


class Reconciler:
    """Compares what the rows say with the processes that are there. `boot_id` stands in for the machine's in tests."""

    def __init__(self, database: Database, *, boot_id: str | None = None) -> None:
        self._workspace = database.workspace
        self._jobs = JobStore(database)
        self._models = ModelStore(database)
        self._datasets = DatasetStore(database)
        self._boot_id = boot_id

    def check(self, record: JobRecord) -> JobRecord:
        """Return the record as it should be, after writing it so where that was possible."""
        # Jobs of another backend have no process here.
        while record.spec.backend == "local" and not record.state.is_final and record.state is not JobState.QUEUED:
            supervisor = claim_of(self._jobs, record.id, record.attempt)
            if supervisor is not None and not self._is_gone(record, supervisor):
                return record
            # It is gone now. What it wrote until then, it wrote before this.
            latest = self._jobs.get(record.id)
            if (latest.state, latest.attempt) == (record.state, record.attempt):
                return self._record_end(latest, supervisor)
            record = latest
        return record

    def _is_gone(self, record: JobRecord, supervisor: ProcessIdentity) -> bool:
        return is_gone(supervisor, self._workspace.job(record.id).claim(record.attempt), boot_id=self._boot_id)

    def _record_end(self, record: JobRecord, supervisor: ProcessIdentity | None) -> JobRecord:
        folder = self._workspace.job(record.id)
        lost = None if supervisor is None else self._why_lost(supervisor)
        if lost is None:
            end_members(record.id, session=_own_session(supervisor), apart_from=lambda: self._followers(record))
        end = _read_exit(folder, record.attempt) or self._made_up(record, lost)
        with contextlib.suppress(OSError):
            folder.exit_reserve.unlink(missing_ok=True)
        try:
            if self._is_tried_again(record, end):
                return self._jobs.get(record.id)
            return self._jobs.advance(
                record.id,
                expect={record.state},
                of_attempt=record.attempt,
                to=end.state,
                now=datetime.now(UTC),
                **fields_of(end),
            )
        except ConflictError:
            return self._jobs.get(record.id)
        except (MlmagicError, OSError):
            # On a full disk the row cannot be written; what is true can still be said.
            return dataclasses.replace(record, state=end.state, **fields_of(end))  # type: ignore[arg-type]

    def _followers(self, record: JobRecord) -> set[int]:
        """Return the supervisors of later attempts: another reader may have brought the job back to the queue."""
        claims = self._jobs.claims(record.id).items()
        return {claim.pid for attempt, claim in claims if attempt > record.attempt and is_alive(claim)}

    def _why_lost(self, supervisor: ProcessIdentity) -> JobError | None:
        """Return the error of a job that ended with its machine; None if it was its supervisor alone."""
        if is_elsewhere(supervisor, boot_id=self._boot_id):
            return _vanished(supervisor)
        return None if same_boot(supervisor, boot_id=self._boot_id) else _restarted()

    def _is_tried_again(self, record: JobRecord, end: ExitRecord) -> bool:
        """Bring a job back to the queue whose supervisor was killed, if it may be tried once more."""
        is_killed = end.state is JobState.FAILED and end.error == _killed()
        # It has lost nothing by a restart of the machine: what it found is on the disk.
        is_waked = record.spec.kind is JobKind.MONITORING and end.error == _restarted()
        if record.state not in _RUNNING or not (is_killed or is_waked):
            return False
        folder = self._workspace.job(record.id)
        left = retries_left(record.spec, folder, record.attempt)
        message = retry_message(record.spec, end, left)
        return left > 0 and requeue(self._jobs, folder, end, message=message, now=datetime.now(UTC))

    def _made_up(self, record: JobRecord, lost: JobError | None) -> ExitRecord:
        now = datetime.now(UTC)
        if (made := self._made(record)) is not None:
            return ExitRecord(
                attempt=record.attempt,
                state=made.state,
                exit_code=made.exit_code,
                end_time=now,
                model_version=made.model_version,
                dataset_version=made.dataset_version,
                metrics=made.metrics,
                message=f"{made.message} · its supervisor was killed just after {_what_it_did(record)}",
            )
        if record.state is JobState.CANCELLING and record.stop_reason is not None:
            return ExitRecord(
                attempt=record.attempt,
                state=JobState.SUCCEEDED,
                end_time=now,
                metrics=job_metrics(self._workspace.job(record.id).tensorboard_dir),
                message=f"{STOPPED_EARLY}{record.stop_reason}",
            )
        if record.state is JobState.CANCELLING:
            return ExitRecord(attempt=record.attempt, state=JobState.CANCELLED, end_time=now, message="cancelled")
        error = lost or _killed()
        if not self._workspace.job(record.id).claim(record.attempt).exists():
            error = REMOVED
        return ExitRecord(
            attempt=record.attempt,
            state=JobState.LOST if lost else JobState.FAILED,
            end_time=now,
            error=error,
            message=error.message,
        )

    def _made(self, record: JobRecord) -> Ending | None:
        """Return how a job would have ended that has made all it was to make."""
        spec = record.spec
        with contextlib.suppress(MlmagicError, OSError):
            if spec.kind is JobKind.PREPROCESSING:
                dataset = self._datasets.adopt(spec.dataset, record.id) if spec.dataset is not None else None
                return None if dataset is None else made_version(dataset, self._datasets.statistics(dataset).rows)
            if spec.kind is JobKind.BATCH_PREDICTION:
                folder = self._workspace.job(record.id)
                return read_predicted(folder) if folder.predictions.exists() else None
            if spec.kind is JobKind.MONITORING:
                ended = read_monitored(self._workspace.job(record.id))
                return ended if ended.message is not None else None
            if spec.model is not None and (version := self._models.adopt(spec.model, record.id)) is not None:
                told = str(version)
                return Ending(state=JobState.SUCCEEDED, exit_code=0, model_version=told, message=told)
        return None


def claim_of(jobs: JobStore, job_id: str, attempt: int) -> ProcessIdentity | None:
    """Return the supervisor of an attempt, dead or alive; None if its claim is gone with the folder."""
    return jobs.claims(job_id).get(attempt)


def _own_session(supervisor: ProcessIdentity | None) -> int | None:
    """Return the session of a dead supervisor, unless its number has been given to somebody else since."""
    if supervisor is None or ProcessIdentity.of(supervisor.pid) is not None:
        return None
    return supervisor.pid


def _read_exit(folder: JobFolder, attempt: int) -> ExitRecord | None:
    try:
        end = loads(ExitRecord, folder.exit.read_bytes())
    except (OSError, DecodeError):
        return None
    return end if end.attempt == attempt else None


def _what_it_did(record: JobRecord) -> str:
    return "that" if record.spec.kind is JobKind.MONITORING else "making it"


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


def _vanished(supervisor: ProcessIdentity) -> JobError:
    return JobError(
        message=f"the machine or container that it ran on, {supervisor.host}, has gone",
        hint="What it wrote so far is kept. Run it again.",
    )
