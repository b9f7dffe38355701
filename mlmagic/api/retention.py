"""Removing jobs: which ones go, how much room that makes, and what stays."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mlmagic.api.arguments import read_whole_number
from mlmagic.api.deletion import Deletion, total_size
from mlmagic.api.selection import Reference, SelectionCheck, find_jobs, read_filter, session_of, trials_of
from mlmagic.errors import UsageError
from mlmagic.spec.job import FINAL_STATES, JobRecord, JobSummary

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend
    from mlmagic.session import Session

_AGE = re.compile(r"P?(\d{1,6})\s*([hdw])", re.IGNORECASE | re.ASCII)
_HOURS = {"h": 1, "d": 24, "w": 168}


def delete_jobs(
    *references: Reference,
    filter: str | None = None,  # noqa: A002 - gcloud's word
    older_than: str | timedelta | None = None,
    keep: int | None = None,
    dry_run: bool = False,
    session: Session | None = None,
) -> Deletion:
    """Remove jobs that have ended, with their logs and what they wrote. Versions that they made stay.

    The arguments are those of `plan_deletion`; with `dry_run` nothing is removed.
    """
    plan = plan_deletion(*references, filter=filter, older_than=older_than, keep=keep, session=session)
    return plan if dry_run else plan.delete()


def plan_deletion(
    *references: Reference,
    filter: str | None = None,  # noqa: A002 - gcloud's word
    older_than: str | timedelta | None = None,
    keep: int | None = None,
    session: Session | None = None,
) -> Deletion:
    """Return what `delete_jobs` would remove.

    Args:
        references: jobs, their ids or names; of a name its newest job.
        filter: instead of references, jobs that pass this filter.
        older_than: only jobs that ended that long ago: `"12h"`, `"30d"`, `"4w"`, `"P30D"`, a timedelta.
        keep: of each name, leave this many of the newest that have ended.
        session: another than this process's.

    Raises:
        NotFoundError: there is no such job.
        UsageError: a job that is named has not ended, arguments do not fit, or nothing says which jobs.
    """
    check = SelectionCheck()
    where = check.read(read_filter, filter)
    age = check.read(read_age, older_than)
    if keep is not None:
        check.read(read_whole_number, keep, "keep", 0)
    check.finish("delete")
    _check_selection(references, filter, older_than, keep)
    backend = session_of(session).jobs
    unfinished: tuple[str, ...] = ()
    if references:
        records = [job.record for job in find_jobs(backend, references)]
        check_ended(records)
    else:
        summaries = backend.list(where=where)
        ended = _without_newest([summary for summary in summaries if summary.state in FINAL_STATES], keep or 0)
        if filter is not None:
            unfinished = tuple(summary.id for summary in summaries if summary.state not in FINAL_STATES)
        records = [backend.get(summary.id) for summary in ended if _is_older(summary, age)]
    workspace = session_of(session).location
    families = [(record.id, *_trials(backend, record)) for record in records]
    return Deletion(
        records=tuple(records),
        sizes=tuple(total_size(workspace.job(job_id).root for job_id in family) for family in families),
        trials=tuple(len(family) - 1 for family in families),
        unfinished=unfinished,
        backend=backend,
    )


def _trials(backend: Backend, record: JobRecord) -> list[str]:
    """Return the ids of what goes with a job: of a study, its trials."""
    return [] if record.spec.study is None else [trial.id for trial in trials_of(backend, record.id)]


def check_ended(records: Sequence[JobRecord]) -> None:
    """Check that jobs may be removed.

    Raises:
        UsageError: some have not ended; names each with the command that ends it.
    """
    running = [record for record in records if not record.state.is_final]
    if len(running) == 1:
        raise UsageError(
            f"{running[0].id} is {running[0].state}; only a job that has ended can be deleted.",
            hint=f"To end it first: %jobs cancel {running[0].id}",
        )
    if running:
        raise UsageError(
            "only jobs that have ended can be deleted; these have not:",
            problems=[f"{record.id} is {record.state}" for record in running],
            hint=f"To end them first: %jobs cancel {' '.join(record.id for record in running)}",
        )


def read_age(age: object) -> timedelta | None:
    """Return how long ago is meant by `12h`, `30d`, `4w`, `P30D` or a timedelta; None for None.

    Raises:
        UsageError: it is no such thing.
    """
    if age is None or isinstance(age, timedelta):
        return age
    match = _AGE.fullmatch(age.strip()) if isinstance(age, str) else None
    if match is None:
        raise UsageError(f"older_than {age!r} is no age: give a number with h, d or w, such as 30d.")
    return timedelta(hours=int(match[1]) * _HOURS[match[2].lower()])


def _check_selection(references: Sequence[object], text: str | None, older_than: object, keep: int | None) -> None:
    if references and (text is not None or older_than is not None or keep is not None):
        raise UsageError(
            "jobs that are named are deleted as they are: filter, older_than and keep choose among all.",
            hint='For those of one name: %jobs delete --filter "displayName=taxi" --keep 3 --dry-run',
        )
    if not references and text is None and older_than is None and keep is None:
        raise UsageError(
            "delete needs to know which jobs: name them, or give a filter, an age, or how many to keep.",
            hint='For example %jobs delete --filter "state=FAILED" --dry-run, or %jobs delete --keep 3 --dry-run',
        )


def _without_newest(summaries: Sequence[JobSummary], count: int) -> list[JobSummary]:
    """Return the jobs, newest first, without the first few of each name."""
    seen: Counter[str] = Counter()
    rest = []
    for summary in summaries:
        seen[summary.display_name] += 1
        if seen[summary.display_name] > count:
            rest.append(summary)
    return rest


def _is_older(summary: JobSummary, age: timedelta | None) -> bool:
    return age is None or datetime.now(UTC) - (summary.end_time or summary.create_time) > age
