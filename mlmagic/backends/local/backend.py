"""The backend of this machine."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.backends.base import LOG_CHUNK_BYTES, LogChunk, Summaries, decode_chunk
from mlmagic.backends.local.reconcile import PATIENCE_SECONDS, Reconciler, last_claim
from mlmagic.backends.local.spawn import start_supervisor
from mlmagic.errors import BackendError, ConflictError, NotFoundError, UsageError, WorkspaceError
from mlmagic.spec.job import UNFINISHED, JobError, JobRecord, JobSpec, JobState, ReplicaRole
from mlmagic.workspace.database import Database
from mlmagic.workspace.files import explained, tail
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.models import ModelStore
from mlmagic.workspace.processes import is_alive

if TYPE_CHECKING:
    from mlmagic.spec.package import TrainerPackage


class LocalBackend:
    """Jobs as processes of this machine, each under a supervisor that outlives this process."""

    name = "local"

    def __init__(self, workspace: Workspace, *, patience: float = PATIENCE_SECONDS, boot_id: str | None = None) -> None:
        database = Database(workspace)
        self._workspace = workspace
        self._jobs = JobStore(database)
        self._reconciler = Reconciler(
            workspace,
            jobs=self._jobs,
            models=ModelStore(database),
            start=self._start,
            boot_id=boot_id,
            patience=patience,
        )

    def submit(self, spec: JobSpec, package: TrainerPackage) -> JobRecord:
        """See `Backend.submit`. Where the spec names no interpreter or folder, the job runs under these here."""
        _check(spec)
        placed = dataclasses.replace(
            spec,
            backend=self.name,
            python=spec.python or sys.executable,
            working_directory=spec.working_directory or _working_directory(),
        )
        record = self._jobs.create(
            placed, package_files=package.files, source_map=package.source_map, now=datetime.now(UTC)
        )
        self._start(self._workspace.job(record.id))
        return record

    def get(self, job_id: str) -> JobRecord:
        """See `Backend.get`."""
        return self._reconciler.check(self._jobs.get(job_id))

    def list(
        self,
        *,
        limit: int | None = None,
        display_name: str | None = None,
        states: Collection[JobState] | None = None,
    ) -> Summaries:
        """See `Backend.list`."""
        for summary in self._jobs.list(states=UNFINISHED, display_name=display_name):
            with suppress(NotFoundError):
                self.get(summary.id)
        return self._jobs.list(limit=limit, display_name=display_name, states=states)

    def resolve(self, reference: str) -> str:
        """See `Backend.resolve`."""
        return self._jobs.resolve(reference)

    def cancel(self, job_id: str) -> JobRecord:
        """See `Backend.cancel`."""
        record = self.get(job_id)
        while record.state in UNFINISHED and record.state is not JobState.CANCELLING:
            # A job that nobody has claimed ends here and now: from QUEUED alone can it be claimed.
            is_queued = record.state is JobState.QUEUED
            to = JobState.CANCELLED if is_queued else JobState.CANCELLING
            now = datetime.now(UTC)
            end = {"end_time": now, "message": "cancelled before it began"} if is_queued else {}
            with suppress(ConflictError):
                record = self._jobs.advance(job_id, expect={record.state}, to=to, now=now, **end)
                break
            record = self.get(job_id)
        if record.state is JobState.CANCELLING:
            self._tell_supervisor(job_id)
        return record

    def logs(self, job_id: str, *, offset: int = 0, role: str = "chief", index: int = 0) -> LogChunk:
        """See `Backend.logs`."""
        # The state first: what is read after a job's end is all that there is.
        is_final = self._jobs.get(job_id).state.is_final
        folder = self._workspace.job(job_id)
        log = folder.log(role, index)
        with explained(f"read the log {log}"):
            # A role is part of a path.
            is_replica = role in set(ReplicaRole) and log.exists()
            if not is_replica and (role, index) != ("chief", 0):
                raise NotFoundError(f"job {job_id} has no replica {role}-{index}; it has {_replicas(folder)}.")
            if offset < 0:
                offset = _start_of_tail(log, -offset)
            data, _ = tail(log, offset, LOG_CHUNK_BYTES)
            # A file that is shorter than the offset is read from its start by `tail`; here it has no more to say.
            if not log.exists() or offset >= log.stat().st_size:
                return LogChunk(text="", next_offset=offset)
        return decode_chunk(data, offset, is_complete=is_final and offset + len(data) >= log.stat().st_size)

    def _start(self, folder: JobFolder) -> None:
        try:
            start_supervisor(folder)
        except BackendError as error:
            now = datetime.now(UTC)
            why = JobError(message=error.message, hint=error.hint)
            # Where not even that can be written, the error is still told.
            with suppress(ConflictError, WorkspaceError):
                self._jobs.advance(
                    folder.id, expect={JobState.QUEUED}, to=JobState.FAILED, now=now, end_time=now, error=why
                )
            raise

    def _tell_supervisor(self, job_id: str) -> None:
        # It also finds the row by itself; the signal makes that immediate.
        supervisor = last_claim(self._jobs, job_id)
        if supervisor is not None and is_alive(supervisor):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(supervisor.pid, signal.SIGTERM)


def _working_directory() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - kept as the text that it is
    except FileNotFoundError as error:
        message = "the working directory was deleted, so the program has no place to start in."
        raise UsageError(message, hint="Change to another folder: %cd ~") from error


def _check(spec: JobSpec) -> None:
    problems = []
    pools = [pool for pool in spec.resources.worker_pools if pool.replica_count]
    if sum(pool.replica_count for pool in pools) != 1:
        problems.append(f"it asks for {sum(pool.replica_count for pool in pools)} replicas: this backend runs one")
    if spec.python is not None and not os.access(spec.python, os.X_OK):
        problems.append(f"its interpreter {spec.python} is not a program that can be run")
    if spec.working_directory is not None and not Path(spec.working_directory).is_dir():
        problems.append(f"its working directory {spec.working_directory} does not exist")
    if problems:
        raise UsageError(f"job {spec.display_name!r} cannot run on the backend 'local':", problems=problems)


def _replicas(folder: JobFolder) -> str:
    return ", ".join(sorted(log.stem for log in folder.logs.glob("*.log"))) or "none yet"


def _start_of_tail(log: Path, limit: int) -> int:
    """Return the offset of the first whole line among the last bytes of a log."""
    if not log.exists():
        return 0
    size = log.stat().st_size
    start = max(0, size - limit)
    if start == 0:
        return 0
    data, _ = tail(log, start - 1, limit + 1)
    newline = data.find(b"\n")
    return start if newline < 0 else start - 1 + newline + 1
