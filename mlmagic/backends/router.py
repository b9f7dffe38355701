"""All jobs of a workspace in one list: whatever is asked of a job goes to the backend that it is on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from mlmagic.backends.base import Backend, LogChunk, Summaries
from mlmagic.errors import BackendError, MissingDependencyError, MlmagicError, UsageError
from mlmagic.spec.job import JobRecord, JobSpec, JobState
from mlmagic.spec.usage import Usage
from mlmagic.workspace.cloud_trouble import read_trouble, sentence
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

T = TypeVar("T")

_UNREACHABLE = (BackendError, MissingDependencyError, UsageError)
"""A place that refuses, that this installation has no libraries for, that is not set up, or that is not known here."""


class Router:
    """Backends behind one face. A job whose backend cannot be asked is told as it was last written, and says why."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        name: str,
        reader: Callable[[str], Backend],
        actor: Callable[[str], Backend],
    ) -> None:
        """Make one; no backend is asked for anything.

        Args:
            workspace: where the records of all of them are.
            name: the backend that is in use: what a list tells of its jobs is asked for, that of others was last heard.
            reader: gives a backend to look at jobs with; starts nothing.
            actor: gives a backend that does something.
        """
        database = Database(workspace)
        self.name = name
        self._workspace = workspace
        self._reader = reader
        self._actor = actor
        self._jobs = JobStore(database)
        self._events = EventLog(database)

    def place(self, spec: JobSpec) -> JobSpec:
        """See `Backend.place`."""
        return self._reader(spec.backend).place(spec)

    def prepare(self, spec: JobSpec) -> None:
        """See `Backend.prepare`."""
        with suppress(MlmagicError):
            self._actor(spec.backend).prepare(spec)

    def submit(self, spec: JobSpec, package: TrainerPackage) -> JobRecord:
        """See `Backend.submit`. The job goes to the backend that the spec names."""
        return self._actor(spec.backend).submit(spec, package)

    def get(self, job_id: str) -> JobRecord:
        """See `Backend.get`."""
        try:
            return self.look(job_id)
        except _UNREACHABLE as error:
            return _old(self._jobs.get(job_id), sentence(error))

    def look(self, job_id: str) -> JobRecord:
        """Return what is true now, for whoever can do nothing with what was.

        Raises:
            NotFoundError: there is no such job.
            UsageError: its backend is not set up.
            MissingDependencyError: its backend needs what is not installed.
            BackendError: its backend refuses to tell.
        """
        record = self._jobs.get(job_id)
        if record.state.is_final:
            return record
        record = self._reader(record.spec.backend).get(job_id)
        trouble = read_trouble(self._workspace, record.spec.backend)
        return record if trouble is None or record.state.is_final else _old(record, trouble)

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

        self._tend_all(own_first=True)
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
        self._tend_all()

    def resolve(self, reference: str) -> str:
        """See `Backend.resolve`."""
        return self._jobs.resolve(reference)

    def cancel(self, job_id: str) -> JobRecord:
        """See `Backend.cancel`."""
        return self._of(job_id).cancel(job_id)

    def stop(self, job_id: str, reason: str) -> JobRecord:
        """See `Backend.stop`."""
        return self._of(job_id).stop(job_id, reason)

    def delete(self, job_id: str) -> None:
        """See `Backend.delete`."""
        self._of(job_id).delete(job_id)

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
        return self._asked(job_id, lambda backend: backend.replicas(job_id), ())

    def usage(self, job_id: str) -> Usage:
        """See `Backend.usage`."""
        return self._asked(job_id, lambda backend: backend.usage(job_id), Usage())

    def waiting_for(self, job_id: str) -> str | None:
        """See `Backend.waiting_for`. Why a backend cannot be asked is in the record."""
        return self._asked(job_id, lambda backend: backend.waiting_for(job_id), None)

    def logs(self, job_id: str, *, offset: int = 0, role: str = "chief", index: int = 0) -> LogChunk:
        """See `Backend.logs`."""
        from mlmagic.backends.log_files import read_log

        record = self._jobs.get(job_id)
        try:
            return self._reader(record.spec.backend).logs(job_id, offset=offset, role=role, index=index)
        except _UNREACHABLE:
            folder, is_final = self._workspace.job(job_id), record.state.is_final
            return read_log(folder, offset=offset, role=role, index=index, is_final=is_final)

    def _of(self, job_id: str) -> Backend:
        return self._actor(self._jobs.get(job_id).spec.backend)

    def _asked(self, job_id: str, ask: Callable[[Backend], T], otherwise: T) -> T:
        name = self._jobs.get(job_id).spec.backend
        try:
            return ask(self._reader(name))
        except _UNREACHABLE:
            return otherwise

    def _tend_all(self, *, own_first: bool = False) -> None:
        """Have the jobs of all backends looked after; with `own_first`, wait for what the one in use is told."""
        for name in self._jobs.unfinished_backends():
            # What is wrong with a backend, each of its jobs tells.
            with suppress(*_UNREACHABLE):
                if own_first and name == self.name:
                    self._reader(name).list(states=())
                else:
                    self._reader(name).tend()


def _old(record: JobRecord, why: str) -> JobRecord:
    return dataclasses.replace(record, message=f"Not up to date: {why}")
