"""Jobs: their rows and folders."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import secrets
import shutil
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.errors import ConflictError
from mlmagic.spec import codec
from mlmagic.spec.job import FINAL_STATES, JobError, JobKind, JobRecord, JobSpec, JobState, JobSummary
from mlmagic.spec.names import check_name, new_job_id, trial_job_id
from mlmagic.spec.package import SourceMap
from mlmagic.workspace.database import Database
from mlmagic.workspace.events import add_event
from mlmagic.workspace.files import create_once, explained, write_atomic
from mlmagic.workspace.job_families import check_deletable, check_parent, delete_rows
from mlmagic.workspace.job_folder import check_file_names, stage_job, write_state
from mlmagic.workspace.layout import DELETED_PREFIX, JobFolder
from mlmagic.workspace.manifest import is_whole
from mlmagic.workspace.processes import ProcessIdentity, is_alive
from mlmagic.workspace.references import no_such_job, resolve
from mlmagic.workspace.rows import (
    SUMMARY_COLUMNS,
    UNFINISHED_COLUMNS,
    UNFINISHED_ROWS,
    Clause,
    UnfinishedJob,
    to_summary,
    to_unfinished,
    write_job,
)

if TYPE_CHECKING:
    import sqlite3

_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)

# `list` is also a method below, where annotations would take it for that.
Summaries = list[JobSummary]
Unfinished = list[UnfinishedJob]


class JobStore:
    """The jobs of a workspace. Any number of processes may use one at the same time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._workspace = database.workspace

    def create(
        self,
        spec: JobSpec,
        *,
        package_files: Mapping[str, bytes],
        source_map: SourceMap | None = None,
        dist_files: Mapping[str, bytes] | None = None,
        now: datetime,
    ) -> JobRecord:
        """Make a QUEUED job: folder, row and event, or none of them.

        A trial is made once: where there is one of that study and number, its record is returned as it is.

        Raises:
            ConflictError: the study that it is a trial of has ended, or is to end.
            UsageError: the display name, or the name of what it makes, cannot be used.
            PackageError: a file would lie outside of the package.
            WorkspaceError: the workspace cannot be written.
        """
        check_name(spec.display_name, "job name")
        if spec.model is not None:
            check_name(spec.model, "model name")
        if spec.dataset is not None and spec.kind is JobKind.PREPROCESSING:
            check_name(spec.dataset, "dataset name")
        files = {"package_files": package_files, "dist_files": dist_files or {}}
        for names in files.values():
            check_file_names(names)
        with explained(f"make a job in {self._workspace.jobs}"):
            while True:
                record = self._new_record(spec, now)
                if spec.parent is not None and (made := self._made(record.id)) is not None:
                    return made
                staged = stage_job(self._workspace, record, source_map=source_map, **files)
                try:
                    self._put_in_place(staged, record)
                except BaseException as error:
                    shutil.rmtree(staged.root, ignore_errors=True)
                    # Another process has made a job of the same id since this one looked.
                    if not (isinstance(error, OSError) and error.errno in _TAKEN):
                        raise
                else:
                    return record

    def _new_record(self, spec: JobSpec, now: datetime) -> JobRecord:
        if spec.parent is not None and spec.trial is not None:
            job_id = trial_job_id(spec.parent, spec.trial)
            return JobRecord(id=job_id, spec=spec, state=JobState.QUEUED, create_time=now, update_time=now)
        job_id = new_job_id(spec.display_name, now.astimezone(UTC))
        while self._workspace.job(job_id).root.exists():
            job_id = new_job_id(spec.display_name, now.astimezone(UTC))
        return JobRecord(id=job_id, spec=spec, state=JobState.QUEUED, create_time=now, update_time=now)

    def _made(self, job_id: str) -> JobRecord | None:
        with self._database.read() as connection:
            is_there = connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job_id,)).fetchone() is not None
            return self._select(connection, job_id) if is_there else None

    def _put_in_place(self, staged: JobFolder, record: JobRecord) -> None:
        folder = self._workspace.job(record.id)
        with self._database.write() as connection:
            if record.spec.parent is not None:
                check_parent(connection, record)
                self._clear(connection, folder)
            staged.root.rename(folder.root)
            try:
                write_job(connection, record)
                _add_state_event(connection, record)
            except BaseException:
                folder.root.rename(staged.root)
                raise

    def _clear(self, connection: sqlite3.Connection, folder: JobFolder) -> None:
        """Make room for a trial whose maker was killed between the folder and the row; nothing of it was run."""
        row = connection.execute("SELECT 1 FROM jobs WHERE id = ?", (folder.id,)).fetchone()
        if row is None and folder.root.exists():
            folder.root.rename(folder.root.with_name(f"{DELETED_PREFIX}{folder.id}-{secrets.token_hex(4)}"))

    def get(self, job_id: str) -> JobRecord:
        """Return a job's record.

        Raises:
            NotFoundError: there is no such job.
        """
        with self._database.read() as connection:
            return self._select(connection, job_id)

    def _select(self, connection: sqlite3.Connection, job_id: str) -> JobRecord:
        row = connection.execute(
            "SELECT record FROM records WHERE number = (SELECT number FROM jobs WHERE id = ?)", (job_id,)
        ).fetchone()
        if row is None:
            raise no_such_job(connection, job_id, self._workspace)
        return codec.loads(JobRecord, row[0])

    def resolve(self, reference: str) -> str:
        """Return the id that is meant by an id, by a unique prefix of one, or by a name (its newest job).

        Raises:
            NotFoundError: none is.
            UsageError: the prefix fits several.
        """
        with self._database.read() as connection:
            return resolve(connection, reference, self._workspace)

    def list(
        self,
        *,
        limit: int | None = None,
        display_name: str | None = None,
        states: Collection[JobState] | None = None,
        kinds: Collection[JobKind] | None = None,
        backend: str | None = None,
        parent: str | None = None,
        trials: bool = True,
        where: Clause | None = None,
        order: Clause | None = None,
    ) -> Summaries:
        """Return jobs, by `order` and then newest first.

        An empty `states` or `kinds` lets nothing through; None lets everything. `backend` lets through its own jobs
        alone, and `parent` that study's trials; without `trials`, none is let through. `where` and `order` name columns
        of the table of jobs, as `filters` writes them.
        """
        conditions: list[str] = []
        values: list[object] = []
        names = None if display_name is None else [display_name]
        backends = None if backend is None else [backend]
        parents = None if parent is None else [parent]
        chosen = {"display_name": names, "state": states, "kind": kinds, "backend": backends, "parent": parents}
        for column, allowed in chosen.items():
            if allowed is not None:
                conditions.append(f"{column} IN ({', '.join('?' * len(allowed))})")
                values += [str(value) for value in allowed]
        if states is not None and FINAL_STATES.isdisjoint(states):
            # Said once more, for then the index of unfinished jobs is enough.
            conditions.append(UNFINISHED_ROWS)
        if not trials:
            conditions.append("parent IS NULL")
        if where is not None:
            conditions.append(f"({where.sql})")
            values += where.values
        by = "create_time DESC, id DESC"
        if order is not None:
            by = f"{order.sql}, {by}"
            values += order.values
        query = f"SELECT {SUMMARY_COLUMNS} FROM jobs WHERE {' AND '.join(conditions) or '1'} ORDER BY {by} LIMIT ?"  # noqa: S608 - what users type is among the values
        with self._database.read() as connection:
            rows = connection.execute(query, (*values, -1 if limit is None else limit)).fetchall()
        return [to_summary(row) for row in rows]

    def queue(self) -> Unfinished:
        """Return the QUEUED jobs in the order in which they are to be started: by priority, then the older first."""
        return self._unfinished("state = 'QUEUED' ORDER BY priority DESC, create_time, id")

    def unfinished(self, *, backend: str | None = None) -> Unfinished:
        """Return the jobs that have not ended, of that backend, QUEUED ones too, the oldest first."""
        return self._unfinished("(? IS NULL OR backend = ?) ORDER BY create_time, id", (backend, backend))

    def unfinished_backends(self) -> tuple[str, ...]:
        """Return the backends that have jobs which have not ended."""
        query = f"SELECT DISTINCT backend FROM jobs WHERE {UNFINISHED_ROWS} ORDER BY backend"  # noqa: S608 - constants
        with self._database.read() as connection:
            return tuple(row[0] for row in connection.execute(query))

    def _unfinished(self, condition: str, values: tuple[str | None, ...] = ()) -> Unfinished:
        query = f"SELECT {UNFINISHED_COLUMNS} FROM jobs WHERE {UNFINISHED_ROWS} AND {condition}"  # noqa: S608 - constants
        with self._database.read() as connection:
            return [to_unfinished(row) for row in connection.execute(query, values)]

    def advance(
        self,
        job_id: str,
        *,
        expect: Collection[JobState],
        of_attempt: int | None = None,
        to: JobState,
        now: datetime,
        **changes: Any,
    ) -> JobRecord:
        """Bring a job from one of the expected states to another, with changes to fields of `JobRecord`.

        States come again with each attempt; `of_attempt` says which one is meant.

        Raises:
            ConflictError: the job is in another state or attempt, and stays as it is.
            NotFoundError: there is no such job.
        """
        with self._database.write() as connection:
            record = self._select(connection, job_id)
            if record.state not in expect:
                wanted = " or ".join(sorted(expect))
                raise ConflictError(f"job {job_id} is {record.state}, not {wanted}, so it cannot become {to}.")
            if of_attempt not in {None, record.attempt}:
                raise ConflictError(f"job {job_id} is in attempt {record.attempt}, not {of_attempt}.")
            record = dataclasses.replace(record, state=to, update_time=now, **changes)
            self._save(connection, record)
        return record

    def _save(self, connection: sqlite3.Connection, record: JobRecord) -> None:
        document = write_job(connection, record)
        _add_state_event(connection, record)
        folder = self._workspace.job(record.id)
        # A user may have removed the folder by hand; the job must come to its end all the same.
        with explained(f"record the state of job {record.id}"), contextlib.suppress(FileNotFoundError):
            write_state(folder, document)

    def claim(self, job_id: str, identity: ProcessIdentity, *, now: datetime | None = None) -> int | None:
        """Make a process the only one that runs a QUEUED job's next attempt, and the job PENDING.

        Returns:
            The attempt's number, or None if the job is not QUEUED (any more).

        Raises:
            NotFoundError: there is no such job.
        """
        with self._database.write() as connection, explained(f"claim job {job_id}"):
            record = self._select(connection, job_id)
            if record.state is not JobState.QUEUED:
                return None
            update_time = now or datetime.now(UTC)
            folder = self._workspace.job(job_id)
            if not is_whole(folder):
                self._save(connection, _cut_short(record, update_time))
                return None
            attempt = record.attempt + 1
            path = folder.claim(attempt)
            # Whoever claimed it brings this down to the disk once it has time.
            if not create_once(path, codec.dumps(identity), sync=False):
                holder = self.claims(job_id).get(attempt)
                if holder is not None and holder != identity and is_alive(holder):
                    return None
                # The row was not written, so nothing was run: that process was killed, or this one tries again.
                write_atomic(path, codec.dumps(identity), sync=False)
            self._save(
                connection,
                dataclasses.replace(record, state=JobState.PENDING, attempt=attempt, update_time=update_time),
            )
        return attempt

    def claims(self, job_id: str) -> Mapping[int, ProcessIdentity]:
        """Return who claimed the job, by attempt. A claim that cannot be read is left out."""
        folder, found = self._workspace.job(job_id), {}
        for path in folder.root.glob("attempt-*.claim"):
            with contextlib.suppress(OSError, ValueError):
                found[int(path.stem.removeprefix("attempt-"))] = codec.loads(ProcessIdentity, path.read_bytes())
        return dict(sorted(found.items()))

    def source_map(self, job_id: str) -> SourceMap | None:
        """Return where the package's lines came from; None for a given package without any."""
        with explained(f"read the source map of job {job_id}"):
            try:
                return codec.loads(SourceMap, self._workspace.job(job_id).source_map.read_bytes())
            except FileNotFoundError:
                return None

    def sources(self, job_id: str) -> Mapping[str, str]:
        """Return the text of the package's Python files by their path in it."""
        package = self._workspace.job(job_id).package
        with explained(f"read the package of job {job_id}"):
            return {
                path.relative_to(package).as_posix(): path.read_text("utf-8", "replace")
                for path in sorted(package.rglob("*.py"))
            }

    def check_deletable(self, job_id: str) -> None:
        """See that `delete` would remove a job; errors are those of `delete`."""
        with self._database.read() as connection:
            check_deletable(connection, self._select(connection, job_id))

    def delete(self, job_id: str, *, now: datetime | None = None) -> None:
        """Remove a job that has ended, with its trials; a version that it made stays.

        Raises:
            ConflictError: it has not ended, or one of its trials, or the study that it is a trial of.
            NotFoundError: there is no such job.
        """
        removed: list[Path] = []
        with explained(f"delete job {job_id}"):
            with self._database.write() as connection:
                trials = check_deletable(connection, self._select(connection, job_id))
                for one in (job_id, *trials):
                    folder = self._workspace.job(one).root
                    delete_rows(connection, one, now or datetime.now(UTC))
                    with contextlib.suppress(FileNotFoundError):
                        removed.append(folder.rename(folder.with_name(f"{DELETED_PREFIX}{one}")))
            for path in removed:
                shutil.rmtree(path, ignore_errors=True)


def _add_state_event(connection: sqlite3.Connection, record: JobRecord) -> None:
    payload = {"displayName": record.spec.display_name, "state": str(record.state), "attempt": record.attempt}
    add_event(connection, f"job:{record.id}", "state", payload, record.update_time)


def _cut_short(record: JobRecord, now: datetime) -> JobRecord:
    error = JobError(
        message="its files did not come down to the disk before the machine stopped",
        hint="It was submitted just before that, and nothing of it was run. Submit it again.",
    )
    return dataclasses.replace(
        record, state=JobState.FAILED, update_time=now, end_time=now, error=error, message=error.message
    )
