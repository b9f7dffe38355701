"""The jobs of the workspace: found, listed, watched, and ended several at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mlmagic.api.arguments import read_whole_number
from mlmagic.api.job import Job
from mlmagic.api.job_list import JobList, JobQuery
from mlmagic.api.project_jobs import others_of
from mlmagic.api.selection import (
    Reference,
    SelectionCheck,
    check_jobs_or_filter,
    find_job,
    find_jobs,
    read_filter,
    read_order,
    session_of,
)
from mlmagic.api.study import job_of
from mlmagic.errors import UsageError, nearest
from mlmagic.spec.job import UNFINISHED, JobState

if TYPE_CHECKING:
    from mlmagic.filters.sort import SortKey
    from mlmagic.filters.tree import Filter
    from mlmagic.session import Session


def jobs(
    filter: str | None = None,  # noqa: A002 - gcloud's word
    *,
    sort_by: str | None = None,
    limit: int | None = 50,
    states: Collection[JobState | str] | None = None,
    name: str | None = None,
    trials: bool = False,
    others: bool = False,
    session: Session | None = None,
) -> JobList:
    """Return the jobs of the workspace, newest first.

    Args:
        filter: only those that pass, in gcloud's filter language: `"state=FAILED createTime>-P2W"`.
        sort_by: keys with commas between them, `~` for the highest first: `"~metrics.accuracy"`.
        limit: how many at most; None for all.
        states: only those in one of these states.
        name: only those of this display name.
        trials: with the trials of studies, which are left out unless the filter names `parent` or `trial`.
        others: with the newest jobs that this workspace has not made, in the projects in the cloud that it uses: as
            `.others` of the list, and below it. They have no record here, so they pass a filter by what Google tells.
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
    here = session_of(session)
    query = JobQuery(
        backend=here.jobs,
        limit=limit,
        display_name=name,
        states=wanted,
        where=where,
        sort_by=order or (),
        trials=trials,
        workspace=here.location,
    )
    found = query.read()
    return replace(found, others=others_of(here, found)) if others else found


def job(reference: str, *, session: Session | None = None) -> Job:
    """Return the job of that id, that unique id prefix, or the newest of that name; `taxi/7` is a study's trial 7.

    Raises:
        NotFoundError: there is none; names the nearest.
        UsageError: the prefix fits several.
    """
    here = session_of(session)
    return job_of(here, find_job(here.jobs, reference).id)


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
    check_jobs_or_filter("cancel", references, filter, example="taxi")
    where = read_filter(filter)
    here = session_of(session)
    backend = here.jobs
    if where is not None:
        ids = [summary.id for summary in backend.list(where=where, states=UNFINISHED)]
    else:
        ids = [found.id for found in find_jobs(backend, references)]
    for job_id in ids:
        backend.cancel(job_id)
    return JobQuery(backend=backend, where=_with_ids(ids, where), trials=True, workspace=here.location).read()


def _with_ids(ids: Sequence[str], where: Filter | None) -> Filter:
    from mlmagic.filters.tree import Filter, Operator, Or, Term, Value

    if not ids:
        # An empty list tells which filter nothing has passed.
        states = " ".join(state for state in JobState if state in UNFINISHED)
        return Filter(text=f"({where.text if where else ''}) AND state:({states})", root=Or(()))
    return Filter(text="", root=Term("id", Operator.EQUAL, tuple(map(Value, ids))))


def _read_order(text: object) -> tuple[SortKey, ...]:
    from mlmagic.filters.sort import parse_sort

    return parse_sort(read_order(text, "~createTime"))


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
