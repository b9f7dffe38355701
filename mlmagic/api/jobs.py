"""Jobs: list them, follow them, wait for them, cancel them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from mlmagic.api.arguments import read_reference
from mlmagic.api.failures import job_failed
from mlmagic.errors import UsageError, WaitTimeout, nearest
from mlmagic.spec.job import JobRecord, JobSpec, JobState, JobSummary

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend
    from mlmagic.session import Session

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.05, 1.0, 1.4
_TAIL_BYTES = 1 << 16


def jobs(
    *,
    limit: int | None = 50,
    states: Collection[JobState | str] | None = None,
    name: str | None = None,
    session: Session | None = None,
) -> JobList:
    """Return the jobs of the workspace, newest first.

    Args:
        limit: how many at most; None for all.
        states: only those in one of these states.
        name: only those of this display name.
        session: another than this process's.

    Raises:
        UsageError: a state that does not exist.
    """
    wanted = None if states is None else _read_states(states)
    backend = _session(session).backend()
    return JobList(tuple(backend.list(limit=limit, display_name=name, states=wanted)))


def job(reference: str, *, session: Session | None = None) -> Job:
    """Return the job of that id, that unique id prefix, or the newest of that name.

    Raises:
        NotFoundError: there is none; names the nearest.
        UsageError: the prefix fits several.
    """
    backend = _session(session).backend()
    return Job(id=backend.resolve(read_reference(reference, "a job's id or name")), backend=backend)


class LogText(str):
    """Log text that a notebook shows as text, not as a quoted string."""

    __slots__ = ()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's protocol
        printer.text(self.rstrip("\n"))


@dataclass(frozen=True, slots=True, repr=False)
class JobList(Sequence[JobSummary]):
    """Rows of a job list, shown and printed as a table."""

    summaries: tuple[JobSummary, ...]

    @overload
    def __getitem__(self, index: int) -> JobSummary: ...
    @overload
    def __getitem__(self, index: slice) -> JobList: ...
    def __getitem__(self, index: int | slice) -> JobSummary | JobList:
        return JobList(self.summaries[index]) if isinstance(index, slice) else self.summaries[index]

    def __len__(self) -> int:
        return len(self.summaries)

    def __repr__(self) -> str:
        return f"<JobList of {len(self)}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import jobs_bundle

        return jobs_bundle(self.summaries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A handle on a job. It holds the id alone: whatever it tells is read when it is asked."""

    id: str
    backend: Backend = field(repr=False)

    @property
    def record(self) -> JobRecord:
        """What is known about the job now."""
        return self.backend.get(self.id)

    @property
    def state(self) -> JobState:
        """The state now."""
        return self.record.state

    @property
    def spec(self) -> JobSpec:
        """What was asked for."""
        return self.record.spec

    @property
    def model_version(self) -> str | None:
        """The version that it made, such as `taxi@2`; None while there is none."""
        return self.record.model_version

    def wait(self, timeout: float | None = None, on_update: Callable[[JobRecord], None] | None = None) -> Job:
        """Wait until the job has ended, and return it.

        An interrupt ends the waiting, never the job: the handle is returned, and a line says so.

        Args:
            timeout: how many seconds to wait at most.
            on_update: called with the record, at first and whenever it changed.

        Raises:
            JobFailed: it ended in another state than SUCCEEDED.
            WaitTimeout: it has not ended in time; it goes on.
        """
        try:
            record = self._wait(timeout, on_update)
        except KeyboardInterrupt:
            sys.stdout.write(f"Detached from {self.id}, which goes on. Wait for it again: %jobs wait {self.id}\n")
            return self
        if record.state is not JobState.SUCCEEDED:
            raise job_failed(record, self)
        return self

    def cancel(self) -> Job:
        """Ask the job to end; a job that has ended stays as it is."""
        self.backend.cancel(self.id)
        return self

    def logs(self, tail: int | None = None) -> LogText:
        """Return what the program printed so far, or its last `tail` lines."""
        if tail is not None and tail <= 0:
            raise UsageError(f"tail counts lines from the end and must be 1 or more, not {tail}")
        if tail is None:
            return LogText("".join(self._read(0)))
        return LogText(self._last_lines(tail))

    def follow(self) -> Iterator[str]:
        """Yield what the program prints, as it comes, until the job has ended."""
        offset, pause = 0, _FIRST_PAUSE
        while True:
            is_final = self.state.is_final  # read before the log: what is printed until then is seen below
            before = offset
            while (chunk := self.backend.logs(self.id, offset=offset)).text:
                offset = chunk.next_offset
                yield chunk.text
            if is_final:
                return
            pause = _FIRST_PAUSE if offset != before else min(pause * _GROWTH, _LONGEST_PAUSE)
            time.sleep(pause)

    def _wait(self, timeout: float | None, on_update: Callable[[JobRecord], None] | None) -> JobRecord:
        deadline = None if timeout is None else time.monotonic() + timeout
        pause, told = _FIRST_PAUSE, None
        while True:
            record = self.record
            if record != told and on_update is not None:
                on_update(record)
            if record.state.is_final:
                return record
            left = _LONGEST_PAUSE if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise WaitTimeout(
                    f"{self.id} is still {record.state} after {timeout:g} s; it goes on.",
                    hint=f"Wait longer: %jobs wait {self.id}",
                )
            # A job that has just moved is likely to move again soon.
            pause = _FIRST_PAUSE if told is None or record.state != told.state else min(pause * _GROWTH, _LONGEST_PAUSE)
            told = record
            time.sleep(min(pause, left))

    def _read(self, offset: int) -> Iterator[str]:
        while (chunk := self.backend.logs(self.id, offset=offset)).text:
            offset = chunk.next_offset
            yield chunk.text

    def _last_lines(self, count: int) -> str:
        size = _TAIL_BYTES
        while True:
            chunk = self.backend.logs(self.id, offset=-size)
            lines = chunk.text.splitlines(keepends=True)
            # Fewer bytes than asked for: the log begins here.
            if len(lines) >= count or size >= chunk.next_offset:
                return "".join(lines[-count:])
            size *= 4

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import job_bundle

        return job_bundle(self.record, log_tail=self.logs(tail=20))


def _read_states(states: Collection[JobState | str]) -> frozenset[JobState]:
    names = [str(state).upper().removeprefix("JOB_STATE_") for state in states]
    unknown = [name for name in names if name not in JobState.__members__]
    if unknown:
        raise UsageError(
            "no such job state:",
            problems=[f"{name} {nearest(name, JobState.__members__, limit=1)}".rstrip() for name in unknown],
            hint=f"States: {', '.join(JobState.__members__)}.",
        )
    return frozenset(JobState[name] for name in names)


def _session(session: Session | None) -> Session:
    from mlmagic.session import current_session

    return session or current_session()
