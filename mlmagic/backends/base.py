"""What every backend is: the Protocol, the edges between states, and how a log is read in pieces."""

from __future__ import annotations

import codecs
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from mlmagic.errors import UsageError
from mlmagic.spec.job import FINAL_STATES, JobRecord, JobSpec, JobState, JobSummary

if TYPE_CHECKING:
    from mlmagic.filters.sort import SortKey
    from mlmagic.filters.tree import Filter
    from mlmagic.spec.job import Replica
    from mlmagic.spec.package import TrainerPackage
    from mlmagic.spec.report import StateChange
    from mlmagic.spec.usage import Usage

LOG_CHUNK_BYTES = 1 << 20
"""The most that one call of `Backend.logs` returns."""


EDGES: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        # A supervisor killed between its claim and its first word leaves QUEUED or PENDING for FAILED or LOST.
        JobState.QUEUED: frozenset({JobState.PENDING, JobState.RUNNING, JobState.CANCELLING}) | FINAL_STATES,
        # Back to QUEUED: the attempt failed, and there are retries left.
        JobState.PENDING: frozenset({JobState.RUNNING, JobState.CANCELLING, JobState.QUEUED}) | FINAL_STATES,
        JobState.RUNNING: frozenset({JobState.CANCELLING, JobState.QUEUED}) | FINAL_STATES,
        # The program may have ended, and its version been made, before the cancel reached it.
        JobState.CANCELLING: FINAL_STATES,
    }
)
"""Where a state leads. A reader that looks now and then may see the ends of a path of several edges."""

# `list` is also a method below, where annotations would take it for that.
Summaries = list[JobSummary]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChunk:
    """A piece of a log. `next_offset`, in bytes, is where the next call goes on."""

    text: str
    next_offset: int


class Backend(Protocol):
    """A place where jobs run. All methods are safe to call from several threads and processes at once.

    **States.** A job starts QUEUED and moves along `EDGES` only, so it never leaves a final state. It goes back only to
    be tried again: at most `JobSpec.max_retries` times, `JobRecord.attempt` counts. `start_time` is set when user code
    first begins, `end_time` with the final state; both stay as they are. FAILED always has
    an `error` with a message of one line. Jobs do not depend on the caller: they go on when it dies.

    **Errors.** A method that takes a job id raises `NotFoundError`, naming the nearest ones, when there is no such job.
    `BackendError` is what the place itself refused; `WorkspaceError` that its records cannot be read or written. How a
    job ends is never an exception here, but its record.
    """

    name: str
    """What the registry, `JobSpec.backend` and `%mlmagic use` call it."""

    def place(self, spec: JobSpec) -> JobSpec:
        """Return the spec with what this place decides filled in, as `submit` would; nothing is started.

        Raises:
            UsageError: the spec asks for what this backend can never do; with the numbers.
        """
        ...

    def prepare(self, spec: JobSpec) -> None:
        """Make ready for a job like this one, which may be submitted soon. Returns at once, and never fails."""
        ...

    def submit(self, spec: JobSpec, package: TrainerPackage) -> JobRecord:
        """Start a job and return its QUEUED record at once.

        Every call makes a job of its own, with an id of its own, whatever `spec.display_name` is. The spec in the
        record has `backend`, and whatever else the place decides, filled in. `package` is copied: later changes do not
        reach the job.

        A trial (`spec.parent`, `spec.trial`) has the id `trial_job_id` and is made once: another call returns the
        record of the first as it is by then.

        Raises:
            ConflictError: the study that it is a trial of has ended, or is to end.
            UsageError: the spec asks for what this backend cannot do; nothing was started.
        """
        ...

    def get(self, job_id: str) -> JobRecord:
        """Return what is true now: a job whose machinery died is not reported as running."""
        ...

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
        """Return jobs: of that name, in one of those states, that pass the filter, `limit` at most.

        Newest first unless `sort_by` says otherwise. No states means no jobs. Trials of studies are among them with
        `trials`, or where the filter names `parent` or `trial`.
        """
        ...

    def tend(self) -> None:
        """Look after the jobs that have not ended, as `list` does, but wait for nobody's answer."""
        ...

    def resolve(self, reference: str) -> str:
        """Return the id of the job that a user means: an id, a unique prefix of one, or a display name (its newest).

        `taxi/7` is trial 7 of the study that `taxi` means among studies; else no trial is meant but by its whole id.

        Raises:
            NotFoundError: nothing fits; names the nearest.
            UsageError: a prefix of several ids; lists them.
        """
        ...

    def cancel(self, job_id: str) -> JobRecord:
        """Ask a job to end, and return its record at once: CANCELLING or final.

        The program and all that it started get SIGTERM, then, after a grace period, SIGKILL. A job that is final stays
        as it is, and a job that is CANCELLING stays so: calling twice does no more than calling once. A cancel that
        comes when the version was already made finds the job SUCCEEDED. The trials of a study are cancelled with it.
        """
        ...

    def stop(self, job_id: str, reason: str) -> JobRecord:
        """Ask a job to end early because it has done enough, and return its record at once.

        As `cancel`, but a job that runs ends SUCCEEDED, with the message `stopped early: REASON`, and makes no version.
        One that has not begun to run is cancelled, and one that is to end already is left alone.
        """
        ...

    def delete(self, job_id: str) -> None:
        """Remove a job that has ended, with its log and what it wrote; a model version that it made stays.

        A study is removed with its trials.

        Raises:
            ConflictError: it has not ended, or one of its trials, or the study that it is a trial of.
        """
        ...

    def package(self, job_id: str) -> TrainerPackage:
        """Return the package as it was submitted, so that the job can be run again or compared."""
        ...

    def changes(self, job_id: str) -> tuple[StateChange, ...]:
        """Return the states that the job came to, by time, as far as that is still known."""
        ...

    def replicas(self, job_id: str) -> tuple[Replica, ...]:
        """Return the processes of the newest attempt; none before it began."""
        ...

    def usage(self, job_id: str) -> Usage:
        """Return what the job's replicas took over time; empty where that is not measured."""
        ...

    def waiting_for(self, job_id: str) -> str | None:
        """Return why a QUEUED job does not run yet, in a few words; None of any other."""
        ...

    def logs(self, job_id: str, *, offset: int = 0, role: str = "chief", index: int = 0) -> LogChunk:
        """Return what a replica printed from byte `offset` on, stdout and stderr as they came.

        Calls that pass on `next_offset` see every byte once, never half a character; bytes that are not UTF-8 become
        U+FFFD. A call returns `LOG_CHUNK_BYTES` at most; an empty text means that there is no more now, and of a final
        job, ever. A negative offset counts from the end: at most that many bytes, beginning with a whole line.

        Raises:
            NotFoundError: the job has no such replica; names those that it has.
        """
        ...


def check_owner(record: JobRecord, name: str) -> None:
    """See that a job, which is in the lists of all backends of its workspace, is one of the backend of that name.

    Raises:
        UsageError: it is another's, which alone can end or remove it.
    """
    if record.spec.backend != name:
        raise UsageError(
            f"job {record.id} is on the backend {record.spec.backend!r}, and here is {name!r}.",
            hint=f"%mlmagic use {record.spec.backend}",
        )


def decode_chunk(data: bytes, offset: int, *, is_complete: bool) -> LogChunk:
    """Return the bytes at `offset` as text; a character that is not there in full waits, unless the log is complete."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    text = decoder.decode(data, final=is_complete)
    waiting = 0 if is_complete else len(decoder.getstate()[0])
    return LogChunk(text=text, next_offset=offset + len(data) - waiting)
