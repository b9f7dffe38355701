"""The backend of this machine."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.backends.base import LogChunk, Summaries, check_owner
from mlmagic.backends.local.agent.link import AgentLink
from mlmagic.backends.local.cancelling import Canceller
from mlmagic.backends.local.machine import this_machine
from mlmagic.backends.local.placement import place
from mlmagic.backends.local.reconcile import Reconciler
from mlmagic.errors import BackendError, ConflictError, MlmagicError, NotFoundError, UsageError, WorkspaceError
from mlmagic.runtime.contract import outer_environment
from mlmagic.runtime.replicas import read_replicas
from mlmagic.spec.job import UNFINISHED, JobError, JobRecord, JobSpec, JobState
from mlmagic.workspace.database import Database
from mlmagic.workspace.events import EventLog
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace

if TYPE_CHECKING:
    from mlmagic.filters.sort import SortKey
    from mlmagic.filters.tree import Filter
    from mlmagic.spec.job import Replica
    from mlmagic.spec.package import TrainerPackage
    from mlmagic.spec.report import StateChange
    from mlmagic.spec.usage import Usage

_CLAIMED = UNFINISHED - {JobState.QUEUED}


class LocalBackend:
    """Jobs as processes of this machine. The workspace's agent starts them; none of them needs this process.

    `boot_id` stands in for the machine's, to play a restart.
    """

    name = "local"

    def __init__(self, workspace: Workspace, *, boot_id: str | None = None) -> None:
        database = Database(workspace)
        self._workspace = workspace
        self._jobs = JobStore(database)
        self._events = EventLog(database)
        self._link = AgentLink(workspace, os.environ)
        self._reconciler = Reconciler(database, boot_id=boot_id)
        self._canceller = Canceller(self._jobs, self._reconciler)

    def place(self, spec: JobSpec) -> JobSpec:
        """See `Backend.place`. Where the spec names no interpreter or folder, the job runs under these here."""
        _check(spec)
        return dataclasses.replace(
            spec,
            backend=self.name,
            python=spec.python or sys.executable,
            working_directory=spec.working_directory or _working_directory(),
            placement=place(spec, this_machine()),
        )

    def prepare(self, spec: JobSpec) -> None:
        """See `Backend.prepare`."""
        if spec.fresh or not spec.warm_starts or spec.package.cold_reason is not None:
            return
        with suppress(MlmagicError, OSError):
            environment = self._link.environments.put(outer_environment(os.environ))
            self._link.prewarm(spec.python or sys.executable, environment)

    def submit(self, spec: JobSpec, package: TrainerPackage) -> JobRecord:
        """See `Backend.submit`."""
        placed = self.place(spec)
        record = self._jobs.create(
            dataclasses.replace(placed, environment=self._environment(spec)),
            package_files=package.files,
            source_map=package.source_map,
            now=datetime.now(UTC),
        )
        try:
            self._link.wake()
        except (BackendError, WorkspaceError) as error:
            self._fail(record, error)
            raise
        return record

    def _environment(self, spec: JobSpec) -> str:
        """Return the digest of what a job runs with: of a trial what its study was given, of others what is here."""
        environments = self._link.environments
        if spec.parent is not None and spec.environment is not None and environments.get(spec.environment) is not None:
            return spec.environment
        return environments.put(outer_environment(os.environ))

    def get(self, job_id: str) -> JobRecord:
        """See `Backend.get`."""
        record = self._reconciler.check(self._jobs.get(job_id))
        if record.state is JobState.QUEUED and record.spec.backend == self.name:
            self._ensure_agent()
        return record

    def list(
        self,
        *,
        limit: int | None = None,
        display_name: str | None = None,
        states: Collection[JobState] | None = None,
        where: Filter | None = None,
        sort_by: Sequence[SortKey] = (),
        trials: bool = False,
    ) -> Summaries:
        """See `Backend.list`."""
        from mlmagic.filters.sort import order
        from mlmagic.filters.sql import condition
        from mlmagic.filters.tree import about_trials

        self.tend()
        return self._jobs.list(
            limit=limit,
            display_name=display_name,
            states=states,
            trials=trials or about_trials(where),
            where=None if where is None else condition(where, datetime.now(UTC)),
            order=order(sort_by),
        )

    def tend(self) -> None:
        """See `Backend.tend`."""
        for summary in self._jobs.list(states=_CLAIMED, backend=self.name):
            with suppress(NotFoundError):
                self._reconciler.check(self._jobs.get(summary.id))
        if self._jobs.list(states={JobState.QUEUED}, backend=self.name, limit=1):
            self._ensure_agent()

    def resolve(self, reference: str) -> str:
        """See `Backend.resolve`."""
        return self._jobs.resolve(reference)

    def cancel(self, job_id: str) -> JobRecord:
        """See `Backend.cancel`."""
        record = self._canceller.cancel(self._own(job_id))
        for trial in self._jobs.list(parent=job_id, states=UNFINISHED):
            with suppress(NotFoundError):
                self._canceller.cancel(self.get(trial.id))
        return record

    def stop(self, job_id: str, reason: str) -> JobRecord:
        """See `Backend.stop`."""
        return self._canceller.cancel(self._own(job_id), stop_reason=reason)

    def delete(self, job_id: str) -> None:
        """See `Backend.delete`."""
        self._own(job_id)
        self._jobs.delete(job_id)

    def package(self, job_id: str) -> TrainerPackage:
        """See `Backend.package`."""
        from mlmagic.backends.kept import kept_package

        record = self._jobs.get(job_id)
        return kept_package(self._workspace.job(job_id), record, self._jobs.source_map(job_id))

    def changes(self, job_id: str) -> tuple[StateChange, ...]:
        """See `Backend.changes`."""
        from mlmagic.backends.kept import state_changes

        return state_changes(self.get(job_id), self._events.state_changes(job_id))

    def replicas(self, job_id: str) -> tuple[Replica, ...]:
        """See `Backend.replicas`."""
        self._jobs.get(job_id)
        return read_replicas(self._workspace.job(job_id)).replicas

    def usage(self, job_id: str) -> Usage:
        """See `Backend.usage`."""
        from mlmagic.workspace.usage import read_usage

        self._jobs.get(job_id)
        return read_usage(self._workspace.job(job_id))

    def waiting_for(self, job_id: str) -> str | None:
        """See `Backend.waiting_for`."""
        from mlmagic.backends.local.scheduler import demands, in_order, why_waiting

        if self.get(job_id).state is not JobState.QUEUED:
            return None
        unfinished = self._jobs.unfinished(backend="local")
        queue = in_order(unfinished)
        if job_id not in {job.id for job in queue}:
            return None
        running = [job for job in unfinished if job.state is not JobState.QUEUED]
        return why_waiting(job_id, demands(queue), demands(running), this_machine()) or "it is being started"

    def logs(self, job_id: str, *, offset: int = 0, role: str = "chief", index: int = 0) -> LogChunk:
        """See `Backend.logs`."""
        from mlmagic.backends.log_files import read_log

        # The state first: what is read after a job's end is all that there is.
        is_final = self._jobs.get(job_id).state.is_final
        return read_log(self._workspace.job(job_id), offset=offset, role=role, index=index, is_final=is_final)

    def _own(self, job_id: str) -> JobRecord:
        record = self.get(job_id)
        check_owner(record, self.name)
        return record

    def _ensure_agent(self) -> None:
        # Whoever only reads is not bothered with it: the job stays QUEUED, and the next reader tries again.
        with suppress(BackendError, WorkspaceError):
            self._link.ensure()

    def _fail(self, record: JobRecord, error: MlmagicError) -> None:
        now = datetime.now(UTC)
        why = JobError(message=error.message, hint=error.hint)
        # Where not even that can be written, the error is still told.
        with suppress(ConflictError, WorkspaceError):
            self._jobs.advance(
                record.id, expect={JobState.QUEUED}, to=JobState.FAILED, now=now, end_time=now, error=why
            )


def _working_directory() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - kept as the text that it is
    except FileNotFoundError as error:
        message = "the working directory was deleted, so the program has no place to start in."
        raise UsageError(message, hint="Change to another folder: %cd ~") from error


def _check(spec: JobSpec) -> None:
    problems = []
    if spec.python is not None and not os.access(spec.python, os.X_OK):
        problems.append(f"its interpreter {spec.python} is not a program that can be run")
    if spec.working_directory is not None and not Path(spec.working_directory).is_dir():
        problems.append(f"its working directory {spec.working_directory} does not exist")
    if problems:
        raise UsageError(f"job {spec.display_name!r} cannot run on the backend 'local':", problems=problems)
