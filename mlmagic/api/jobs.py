"""The jobs of the workspace: found, listed, watched, and ended several at a time."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from mlmagic.api.arguments import read_whole_number
from mlmagic.api.frames import frame_of
from mlmagic.api.job import Job
from mlmagic.api.logs import LogText
from mlmagic.api.selection import Reference, SelectionCheck, find_job, find_jobs, read_filter, session_of
from mlmagic.errors import UsageError, nearest
from mlmagic.spec.job import UNFINISHED, JobState, JobSummary

if TYPE_CHECKING:
    import pandas as pd

    from mlmagic.api.comparison import JobComparison
    from mlmagic.backends.base import Backend
    from mlmagic.filters.sort import SortKey
    from mlmagic.filters.tree import Filter
    from mlmagic.session import Session

__all__ = ["Job", "JobList", "LogText", "cancel_jobs", "job", "jobs"]

_LOOK_SECONDS = 0.5


def jobs(
    filter: str | None = None,  # noqa: A002 - gcloud's word
    *,
    sort_by: str | None = None,
    limit: int | None = 50,
    states: Collection[JobState | str] | None = None,
    name: str | None = None,
    session: Session | None = None,
) -> JobList:
    """Return the jobs of the workspace, newest first.

    Args:
        filter: only those that pass, in gcloud's filter language: `"state=FAILED createTime>-P2W"`.
        sort_by: keys with commas between them, `~` for the highest first: `"~metrics.accuracy"`.
        limit: how many at most; None for all.
        states: only those in one of these states.
        name: only those of this display name.
        session: another than this process's.

    Raises:
        UsageError: a filter or an order that cannot be read, a state that does not exist; all are listed.
    """
    check = SelectionCheck()
    where = check.read(read_filter, filter)
    order = check.read(_read_order, sort_by)
    wanted = None if states is None else check.read(_read_states, states)
    if limit is not None:
        check.read(read_whole_number, limit, "limit", 1)
    check.finish("jobs")
    query = _Query(
        backend=session_of(session).backend(),
        limit=limit,
        display_name=name,
        states=wanted,
        where=where,
        sort_by=order or (),
    )
    return query.read()


def job(reference: str, *, session: Session | None = None) -> Job:
    """Return the job of that id, that unique id prefix, or the newest of that name.

    Raises:
        NotFoundError: there is none; names the nearest.
        UsageError: the prefix fits several.
    """
    return find_job(session_of(session).backend(), reference)


def cancel_jobs(
    *references: Reference,
    filter: str | None = None,  # noqa: A002 - gcloud's word
    session: Session | None = None,
) -> JobList:
    """Ask jobs to end, and return them; those that have ended stay as they are.

    Args:
        references: jobs, their ids or names; of a name its newest job.
        filter: instead of references, all jobs that pass this filter and have not ended.
        session: another than this process's.

    Raises:
        NotFoundError: there is no such job; none was cancelled.
        UsageError: a filter that cannot be read, or neither jobs nor a filter.
    """
    if bool(references) == (filter is not None):
        raise UsageError(
            "cancel takes jobs or a filter, one of the two.", hint='For example filter="displayName=taxi".'
        )
    where = read_filter(filter)
    backend = session_of(session).backend()
    if where is not None:
        ids = [summary.id for summary in backend.list(where=where, states=UNFINISHED)]
    else:
        ids = [found.id for found in find_jobs(backend, references)]
    for job_id in ids:
        backend.cancel(job_id)
    return _Query(backend=backend, where=_with_ids(ids)).read()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    """What a list was asked for, so that it can be read again."""

    backend: Backend
    limit: int | None = None
    display_name: str | None = None
    states: Collection[JobState] | None = None
    where: Filter | None = None
    sort_by: Sequence[SortKey] = ()

    def read(self) -> JobList:
        found = self.backend.list(
            # One more than wanted tells whether there are more.
            limit=None if self.limit is None else self.limit + 1,
            display_name=self.display_name,
            states=self.states,
            where=self.where,
            sort_by=self.sort_by,
        )
        shown = tuple(found[: self.limit])
        return JobList(summaries=shown, has_more=len(found) > len(shown), backend=self.backend, query=self)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class JobList(Sequence[JobSummary]):
    """Rows of a job list, shown and printed as a table."""

    summaries: tuple[JobSummary, ...]
    has_more: bool = False
    """There are more jobs than were asked for."""
    backend: Backend = field(compare=False)
    query: _Query | None = field(default=None, compare=False)

    def compare(self) -> JobComparison:
        """Return the jobs side by side: flags in which they differ, and final metrics."""
        from mlmagic.api.comparison import compare

        return compare(self.backend.get(summary.id) for summary in self.summaries)

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame: a row for each job, with its flags as `flags.NAME` and its metrics as `metrics.NAME`."""
        from mlmagic.api.comparison import flags_of

        rows = []
        for summary in self.summaries:
            record = self.backend.get(summary.id)
            rows.append(
                {
                    "id": record.id,
                    "name": record.spec.display_name,
                    "state": record.state.value,
                    "create_time": record.create_time,
                    "start_time": record.start_time,
                    "end_time": record.end_time,
                    "attempt": record.attempt,
                    "model_version": record.model_version,
                    "error": record.error.message if record.error else None,
                    **{f"flags.{name}": value for name, value in flags_of(record.spec).items()},
                    **{f"metrics.{name}": value for name, value in record.metrics.items()},
                }
            )
        return frame_of(rows, numeric={name for row in rows for name in row if name.startswith(("flags.", "metrics."))})

    def again(self) -> JobList:
        """Return the list as it is now."""
        return self.query.read() if self.query is not None else self

    def watch(self, *, every: float | None = None) -> Iterator[JobList]:
        """Yield the list, now and whenever it has changed, until none of its jobs goes on.

        Args:
            every: yield it after that many seconds too if nothing has changed, for a display that tells times.
        """
        shown, since = self.again(), time.monotonic()
        yield shown
        while any(not summary.state.is_final for summary in shown):
            time.sleep(_LOOK_SECONDS)
            present = shown.again()
            if present != shown or (every is not None and time.monotonic() - since >= every):
                since = time.monotonic()
                yield present
            shown = present

    @overload
    def __getitem__(self, index: int) -> JobSummary: ...
    @overload
    def __getitem__(self, index: slice) -> JobList: ...
    def __getitem__(self, index: int | slice) -> JobSummary | JobList:
        if isinstance(index, slice):
            return JobList(summaries=self.summaries[index], backend=self.backend)
        return self.summaries[index]

    def __len__(self) -> int:
        return len(self.summaries)

    def __repr__(self) -> str:
        return f"<JobList of {len(self)}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import jobs_bundle

        filter_text = self.query.where.text if self.query is not None and self.query.where is not None else None
        return jobs_bundle(self.summaries, has_more=self.has_more, filter_text=filter_text)


def _with_ids(ids: Sequence[str]) -> Filter:
    from mlmagic.filters.tree import Filter, Operator, Or, Term, Value

    if not ids:
        return Filter(text="", root=Or(()))
    return Filter(text="", root=Term("id", Operator.EQUAL, tuple(map(Value, ids))))


def _read_order(text: object) -> tuple[SortKey, ...]:
    from mlmagic.filters.sort import parse_sort

    if text is None:
        return ()
    if not isinstance(text, str):
        raise UsageError(f"sort_by is text, such as '~createTime', not {type(text).__name__} {text!r:.60}.")
    return parse_sort(text)


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
