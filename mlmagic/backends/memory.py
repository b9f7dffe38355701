"""A backend without processes, files or workspace, for tests of what stands above backends.

A job's module runs in a daemon thread of this process: `print` goes to its log, its package's modules are imported from
memory, `sys.exit` and exceptions end it as they end a program. There is no environment, no `sys.argv` and no model; and
a cancel takes effect between two bytecodes, so a program should not sleep for long.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import dataclasses
import linecache
import threading
import traceback
import types
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlmagic.backends.base import EDGES, LOG_CHUNK_BYTES, LogChunk, Summaries, decode_chunk
from mlmagic.errors import NotFoundError, UsageError, nearest
from mlmagic.spec.job import JobError, JobRecord, JobSpec, JobState, JobSummary
from mlmagic.spec.names import new_job_id

if TYPE_CHECKING:
    from mlmagic.spec.package import TrainerPackage


class _Ended(BaseException):
    """Raised inside a program's thread to end it, past its `except Exception`."""


@dataclass(slots=True, kw_only=True)
class _Job:
    record: JobRecord
    files: Mapping[str, bytes]
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

    def submit(self, spec: JobSpec, package: TrainerPackage) -> JobRecord:
        """See `Backend.submit`."""
        with self._lock:
            now = datetime.now(UTC)
            job_id = new_job_id(spec.display_name, now)
            while job_id in self._jobs:
                job_id = new_job_id(spec.display_name, now)
            record = JobRecord(
                id=job_id,
                spec=dataclasses.replace(spec, backend=self.name),
                state=JobState.QUEUED,
                create_time=now,
                update_time=now,
            )
            job = self._jobs[job_id] = _Job(record=record, files=dict(package.files))
            job.thread = threading.Thread(target=self._run, args=(job,), name=job_id, daemon=True)
        job.thread.start()
        return record

    def get(self, job_id: str) -> JobRecord:
        """See `Backend.get`."""
        return self._job(job_id).record

    def list(
        self,
        *,
        limit: int | None = None,
        display_name: str | None = None,
        states: Collection[JobState] | None = None,
    ) -> Summaries:
        """See `Backend.list`."""
        with self._lock:
            newest_first = [job.record for job in reversed(self._jobs.values())]
        chosen = [
            _summary(record)
            for record in newest_first
            if display_name in {None, record.spec.display_name} and (states is None or record.state in states)
        ]
        return chosen[:limit]

    def resolve(self, reference: str) -> str:
        """See `Backend.resolve`."""
        with self._lock:
            records = [job.record for job in reversed(self._jobs.values())]
        if reference in self._jobs:
            return reference
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
        job = self._job(job_id)
        with self._lock:
            if self._move(job, JobState.CANCELLING):
                _raise_in(job.thread)
            return job.record

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
            return True

    def _run(self, job: _Job) -> None:
        outcome: tuple[int, str] | None = None
        while not job.record.state.is_final:
            # The exception of a cancel may arrive a moment late, outside of the program.
            with contextlib.suppress(_Ended):
                outcome = outcome or self._outcome(job)
                self._end(job, *outcome)

    def _outcome(self, job: _Job) -> tuple[int, str]:
        self._move(job, JobState.PENDING, attempt=1)
        if not self._move(job, JobState.RUNNING, start_time=datetime.now(UTC)):
            return 0, ""
        with self._timer(job):
            try:
                _execute(job)
            except SystemExit as error:
                return _exit_status(error, job.log)
            except _Ended:
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
                _raise_in(job.thread)

    def _end(self, job: _Job, status: int, message: str) -> None:
        with self._lock:
            if job.record.state is JobState.CANCELLING:
                self._move(job, JobState.CANCELLED, exit_code=-15)
            elif job.timed_out:
                limit = job.record.spec.timeout_seconds
                error = JobError(message=f"the program ran longer than its timeout of {limit:g} s")
                self._move(job, JobState.FAILED, exit_code=-15, error=error)
            elif status == 0:
                self._move(job, JobState.SUCCEEDED, exit_code=0)
            else:
                self._move(job, JobState.FAILED, exit_code=status, error=JobError(message=message))


def _execute(job: _Job) -> None:
    modules: dict[str, types.ModuleType] = {}
    namespace = dict(vars(builtins))

    def print_to_log(*values: object, sep: str | None = " ", end: str | None = "\n", **_: object) -> None:
        text = (" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end)
        job.log += text.encode("utf-8")

    def import_from_package(name: str, *arguments: Any, **keywords: Any) -> Any:
        if not _path_of(name, job.files):
            return builtins.__import__(name, *arguments, **keywords)
        module = _load(name, name, job, modules, namespace)
        from_names = (arguments[2] if len(arguments) > 2 else keywords.get("fromlist")) or ()
        for member in from_names:
            if _path_of(f"{name}.{member}", job.files):
                setattr(module, member, _load(f"{name}.{member}", f"{name}.{member}", job, modules, namespace))
        top = name.partition(".")[0]
        return module if from_names else _load(top, top, job, modules, namespace)

    namespace |= {"print": print_to_log, "__import__": import_from_package}
    _load(job.record.spec.package.module, "__main__", job, modules, namespace)


def _load(
    name: str, run_as: str, job: _Job, modules: dict[str, types.ModuleType], namespace: dict[str, Any]
) -> types.ModuleType:
    if run_as in modules:
        return modules[run_as]
    path = _path_of(name, job.files)
    if path is None:
        job.log += f"No module named {name}\n".encode()
        raise SystemExit(1)
    module = modules[run_as] = types.ModuleType(run_as)
    module.__dict__["__builtins__"] = namespace
    source = job.files[path].decode("utf-8")
    file_name = f"<{job.record.id}>/{path}"
    linecache.cache[file_name] = (len(source), None, source.splitlines(keepends=True), file_name)
    exec(compile(source, file_name, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - that is its job
    return module


def _path_of(module: str, files: Mapping[str, bytes]) -> str | None:
    base = module.replace(".", "/")
    return next((path for path in (f"{base}.py", f"{base}/__init__.py") if path in files), None)


def _exit_status(error: SystemExit, log: bytearray) -> tuple[int, str]:
    if error.code is None or isinstance(error.code, int):
        status = error.code or 0
        return status, f"the program ended with exit status {status}"
    log += f"{error.code}\n".encode()
    return 1, f"the program ended with exit status 1: {error.code}"


def _raise_in(thread: threading.Thread | None) -> None:
    if thread is not None and thread.ident is not None and thread is not threading.current_thread():
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_Ended))


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
        error=record.error.message if record.error else None,
    )
