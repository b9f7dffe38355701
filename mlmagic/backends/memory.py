"""A backend without processes, files or workspace, for tests of what stands above backends.

A job's module runs in a daemon thread of this process: `print` goes to its log, its package's modules are imported from
memory, `sys.exit` and exceptions end it as they end a program. There is no environment, no `sys.argv` and no model; and
a cancel takes effect between two bytecodes, so a program should not sleep for long.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import traceback
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlmagic.backends.base import EDGES, LOG_CHUNK_BYTES, LogChunk, Summaries, decode_chunk
from mlmagic.backends.memory_program import Ended, Program, execute, exit_status, raise_in
from mlmagic.errors import ConflictError, NotFoundError, UsageError, nearest
from mlmagic.spec.codec import encode
from mlmagic.spec.job import JobError, JobKind, JobRecord, JobSpec, JobState, JobSummary, Replica, ReplicaRole
from mlmagic.spec.names import new_job_id, trial_job_id
from mlmagic.spec.report import StateChange
from mlmagic.spec.usage import Usage

if TYPE_CHECKING:
    from mlmagic.filters.sort import SortKey
    from mlmagic.filters.tree import Filter
    from mlmagic.spec.package import TrainerPackage


@dataclass(slots=True, kw_only=True)
class _Job:
    record: JobRecord
    package: TrainerPackage
    changes: list[StateChange]
    replica: Replica | None = None
    log: bytearray = field(default_factory=bytearray)
    thread: threading.Thread | None = None
    timed_out: bool = False


class MemoryBackend:
    """See the module. The jobs are gone with the object, and end with the process."""

    name = "memory"

    def __init__(self, workspace: object = None) -> None:
        del workspace  # The registry gives one to every backend.
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.RLock()

    def place(self, spec: JobSpec) -> JobSpec:
        """See `Backend.place`."""
        return dataclasses.replace(spec, backend=self.name)

    def prepare(self, spec: JobSpec) -> None:
        """See `Backend.prepare`."""

    def submit(self, spec: JobSpec, package: TrainerPackage) -> JobRecord:
        """See `Backend.submit`."""
        with self._lock:
            now = datetime.now(UTC)
            job_id = self._new_id(spec, now)
            if job_id in self._jobs:
                return self._jobs[job_id].record
            record = JobRecord(
                id=job_id,
                spec=self.place(spec),
                state=JobState.QUEUED,
                create_time=now,
                update_time=now,
            )
            kept = dataclasses.replace(package, files=dict(package.files))
            queued = StateChange(state=JobState.QUEUED, time=now)
            job = self._jobs[job_id] = _Job(record=record, package=kept, changes=[queued])
            job.thread = threading.Thread(target=self._run, args=(job,), name=job_id, daemon=True)
        job.thread.start()
        return record

    def _new_id(self, spec: JobSpec, now: datetime) -> str:
        """Return a new id, or that of a trial, of which there may be a job already."""
        if spec.parent is not None and spec.trial is not None:
            job_id = trial_job_id(spec.parent, spec.trial)
            study = self._job(spec.parent).record
            if job_id not in self._jobs and (study.state.is_final or study.state is JobState.CANCELLING):
                raise ConflictError(f"study {study.id} is {study.state}, so it gets no trial {spec.trial}.")
            return job_id
        while (job_id := new_job_id(spec.display_name, now)) in self._jobs:
            pass
        return job_id

    def get(self, job_id: str) -> JobRecord:
        """See `Backend.get`."""
        return self._job(job_id).record

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
        from mlmagic.filters.predicate import matches
        from mlmagic.filters.sort import python_key
        from mlmagic.filters.tree import about_trials

        with self._lock:
            newest_first = [job.record for job in reversed(self._jobs.values())]
        now = datetime.now(UTC)
        chosen = [
            record
            for record in newest_first
            if display_name in {None, record.spec.display_name}
            and (states is None or record.state in states)
            and (trials or record.spec.parent is None or about_trials(where))
            and (where is None or matches(where, encode(record), now))
        ]
        if sort_by:
            key = python_key(sort_by)
            chosen.sort(key=lambda record: key(encode(record)))
        return [_summary(record) for record in chosen[:limit]]

    def tend(self) -> None:
        """See `Backend.tend`. Threads of this process need nobody's care."""

    def resolve(self, reference: str) -> str:
        """See `Backend.resolve`."""
        with self._lock:
            records = [job.record for job in reversed(self._jobs.values()) if job.record.spec.parent is None]
        if reference in self._jobs:
            return reference
        study, slash, number = reference.rpartition("/")
        if slash and number.isdigit():
            studies = [record.id for record in records if record.spec.kind is JobKind.TUNING]
            named = [one for one in studies if study in {one, self._jobs[one].record.spec.display_name}]
            return self._job(trial_job_id(named[0], int(number)) if named else reference).record.id
        named = [record.id for record in records if record.spec.display_name == reference]
        if named:
            return named[0]
        begun = [record.id for record in records if reference and record.id.startswith(reference)]
        if len(begun) > 1:
            raise UsageError(f"{reference!r} is the beginning of several job ids:", problems=begun)
        if not begun:
            raise self._not_found(reference)
        return begun[0]

    def cancel(self, job_id: str) -> JobRecord:
        """See `Backend.cancel`."""
        with self._lock:
            record = self._end_early(self._job(job_id))
            for trial in self._trials(job_id):
                self._end_early(trial)
            return record

    def stop(self, job_id: str, reason: str) -> JobRecord:
        """See `Backend.stop`."""
        with self._lock:
            return self._end_early(self._job(job_id), stop_reason=reason)

    def _end_early(self, job: _Job, stop_reason: str | None = None) -> JobRecord:
        changes = {"stop_reason": stop_reason} if job.record.state is JobState.RUNNING else {}
        if self._move(job, JobState.CANCELLING, **changes):
            raise_in(job.thread)
        return job.record

    def _trials(self, job_id: str) -> Sequence[_Job]:
        return [job for job in self._jobs.values() if job.record.spec.parent == job_id]

    def delete(self, job_id: str) -> None:
        """See `Backend.delete`."""
        job = self._job(job_id)
        with self._lock:
            if not job.record.state.is_final:
                raise ConflictError(
                    f"job {job_id} is {job.record.state} and cannot be deleted.", hint=f"First `%jobs cancel {job_id}`."
                )
            study = self._jobs.get(job.record.spec.parent or "")
            if study is not None and not study.record.state.is_final:
                raise ConflictError(f"job {job_id} is a trial of {study.record.id}, which is {study.record.state}.")
            trials = self._trials(job_id)
            if any(not trial.record.state.is_final for trial in trials):
                raise ConflictError(f"study {job_id} cannot be deleted: its trials have not all ended.")
            for one in (job, *trials):
                self._jobs.pop(one.record.id, None)

    def package(self, job_id: str) -> TrainerPackage:
        """See `Backend.package`."""
        return self._job(job_id).package

    def changes(self, job_id: str) -> tuple[StateChange, ...]:
        """See `Backend.changes`."""
        return tuple(self._job(job_id).changes)

    def replicas(self, job_id: str) -> tuple[Replica, ...]:
        """See `Backend.replicas`. The thread's number stands for the process's."""
        replica = self._job(job_id).replica
        return () if replica is None else (replica,)

    def usage(self, job_id: str) -> Usage:
        """See `Backend.usage`."""
        self._job(job_id)
        return Usage()

    def waiting_for(self, job_id: str) -> str | None:
        """See `Backend.waiting_for`."""
        return "it is being started" if self._job(job_id).record.state is JobState.QUEUED else None

    def logs(self, job_id: str, *, offset: int = 0, role: str = "chief", index: int = 0) -> LogChunk:
        """See `Backend.logs`."""
        job = self._job(job_id)
        if (role, index) != ("chief", 0):
            raise NotFoundError(f"job {job_id} has no replica {role}-{index}; it has chief-0.")
        with self._lock:
            is_final, log = job.record.state.is_final, bytes(job.log)
        if offset < 0:
            offset = _start_of_tail(log, -offset)
        data = log[offset : offset + LOG_CHUNK_BYTES]
        return decode_chunk(data, offset, is_complete=is_final and offset + len(data) >= len(log))

    def _job(self, job_id: str) -> _Job:
        with self._lock:
            if job_id not in self._jobs:
                raise self._not_found(job_id)
            return self._jobs[job_id]

    def _not_found(self, reference: str) -> NotFoundError:
        known = {*self._jobs, *(job.record.spec.display_name for job in self._jobs.values())}
        return NotFoundError(f"there is no job {reference!r}. {nearest(reference, known)}".rstrip())

    def _move(self, job: _Job, to: JobState, **fields: Any) -> bool:
        with self._lock:
            if to not in EDGES.get(job.record.state, frozenset()):
                return False
            now = datetime.now(UTC)
            fields |= {"end_time": now} if to.is_final else {}
            job.record = dataclasses.replace(job.record, state=to, update_time=now, **fields)
            job.changes.append(StateChange(state=to, time=now, attempt=job.record.attempt))
            return True

    def _run(self, job: _Job) -> None:
        outcome: tuple[int, str] | None = None
        while not job.record.state.is_final:
            # The exception of a cancel may arrive a moment late, outside of the program.
            with contextlib.suppress(Ended):
                outcome = outcome or self._outcome(job)
                self._end(job, *outcome)
                outcome = None

    def _outcome(self, job: _Job) -> tuple[int, str]:
        now = datetime.now(UTC)
        self._move(job, JobState.PENDING, attempt=job.record.attempt + 1)
        if not self._move(job, JobState.RUNNING, start_time=job.record.start_time or now):
            return 0, ""
        job.replica = Replica(
            role=ReplicaRole.CHIEF,
            index=0,
            pid=threading.get_native_id(),
            attempt=job.record.attempt,
            start_time=now,
        )
        with self._timer(job):
            try:
                execute(Program(job.record.id, job.package.files, job.log), job.record.spec.package.module)
            except SystemExit as error:
                return exit_status(error, job.log)
            except Ended:
                return -15, ""
            except BaseException as error:  # noqa: BLE001 - the program's own, whatever they are
                job.log += traceback.format_exc().encode("utf-8", "replace")
                return 1, "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
        return 0, ""

    @contextlib.contextmanager
    def _timer(self, job: _Job) -> Iterator[None]:
        if job.record.spec.timeout_seconds is None:
            yield
            return
        timer = threading.Timer(job.record.spec.timeout_seconds, self._time_out, args=(job,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _time_out(self, job: _Job) -> None:
        with self._lock:
            if job.record.state is JobState.RUNNING:
                job.timed_out = True
                raise_in(job.thread)

    def _end(self, job: _Job, status: int, message: str) -> None:
        with self._lock:
            if job.replica is not None:
                job.replica = dataclasses.replace(job.replica, end_time=datetime.now(UTC), exit_code=status)
            if job.record.state is JobState.CANCELLING and job.record.stop_reason is not None:
                message = f"stopped early: {job.record.stop_reason}"
                self._move(job, JobState.SUCCEEDED, exit_code=-15, message=message)
            elif job.record.state is JobState.CANCELLING:
                self._move(job, JobState.CANCELLED, exit_code=-15)
            elif job.timed_out:
                limit = job.record.spec.timeout_seconds
                error = JobError(message=f"the program ran longer than its timeout of {limit:g} s")
                self._move(job, JobState.FAILED, exit_code=-15, error=error)
            elif status == 0:
                self._move(job, JobState.SUCCEEDED, exit_code=0)
            elif job.record.attempt <= job.record.spec.max_retries:
                self._move(job, JobState.QUEUED)
            else:
                self._move(job, JobState.FAILED, exit_code=status, error=JobError(message=message))


def _start_of_tail(log: bytes, limit: int) -> int:
    start = max(0, len(log) - limit)
    newline = log.find(b"\n", start - 1) if start else -1
    return start if newline < 0 else newline + 1


def _summary(record: JobRecord) -> JobSummary:
    return JobSummary(
        id=record.id,
        display_name=record.spec.display_name,
        kind=record.spec.kind,
        backend=record.spec.backend,
        state=record.state,
        create_time=record.create_time,
        start_time=record.start_time,
        end_time=record.end_time,
        priority=record.spec.priority,
        attempt=record.attempt,
        model_version=record.model_version,
        dataset_version=record.dataset_version,
        error=record.error.message if record.error else None,
        parent=record.spec.parent,
        trial=record.spec.trial,
    )
