"""Removing jobs: which ones go, how much room that makes, and what stays."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.api.arguments import read_whole_number
from mlmagic.api.selection import Reference, SelectionCheck, find_jobs, read_filter, session_of
from mlmagic.errors import NotFoundError, UsageError
from mlmagic.spec.job import FINAL_STATES, JobRecord, JobSummary

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend
    from mlmagic.session import Session

_AGE = re.compile(r"P?(\d{1,6})\s*([hdw])", re.IGNORECASE | re.ASCII)
_HOURS = {"h": 1, "d": 24, "w": 168}
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """Jobs that are to go, or have gone."""

    records: tuple[JobRecord, ...]
    sizes: tuple[int | None, ...]
    """Bytes of each job's folder; None where that is not on this machine."""
    unfinished: tuple[str, ...] = ()
    """The ids of jobs that the filter lets through, and that stay because they have not ended."""
    is_done: bool = False
    backend: Backend = field(repr=False)

    @property
    def size(self) -> int:
        """How many bytes that frees, as far as it is known."""
        return sum(size or 0 for size in self.sizes)

    def delete(self) -> Deletion:
        """Remove the jobs, and return what went. A job that somebody else removed meanwhile is gone too."""
        for record in self.records:
            try:
                self.backend.delete(record.id)
            except NotFoundError:
                continue
        return Deletion(
            records=self.records, sizes=self.sizes, unfinished=self.unfinished, is_done=True, backend=self.backend
        )

    def __len__(self) -> int:
        return len(self.records)

    def __str__(self) -> str:
        lines = [self._heading(), *self.lines()]
        if versions := [record.model_version for record in self.records if record.model_version]:
            lines.append(f"Model versions stay: {_listed(versions)}.")
        if self.unfinished:
            lines.append(f"Not ended, so they stay: {_listed(self.unfinished)}. To end one: %jobs cancel ID")
        return "\n".join(lines)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's protocol
        printer.text(str(self))

    def _heading(self) -> str:
        from mlmagic.panels.sizes import size_text

        if not self.records:
            return "There is nothing to delete."
        count = "1 job" if len(self) == 1 else f"{len(self)} jobs"
        room = f", {size_text(self.size)}" if self.size else ""
        return f"{'Deleted' if self.is_done else 'Would delete'} {count}{room}:"

    def lines(self) -> list[str]:
        """Return a line for each job, of very many for the first."""
        from mlmagic.panels.sizes import size_text
        from mlmagic.panels.times import short_absolute

        lines = [
            f"  {record.id}  {record.state.value}  {short_absolute(record.create_time)}"
            + ("" if size is None else f"  {size_text(size)}")
            for record, size in zip(self.records[:_SHOWN], self.sizes, strict=False)
        ]
        more = len(self) - len(lines)
        return [*lines, f"  and {more} more"] if more else lines


def delete_jobs(
    *references: Reference,
    filter: str | None = None,  # noqa: A002 - gcloud's word
    older_than: str | timedelta | None = None,
    keep: int | None = None,
    dry_run: bool = False,
    session: Session | None = None,
) -> Deletion:
    """Remove jobs that have ended, with their logs and what they wrote. Versions of models that they made stay.

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
    backend = session_of(session).backend()
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
    folders = [session_of(session).location.job(record.id).root for record in records]
    return Deletion(
        records=tuple(records), sizes=tuple(map(folder_size, folders)), unfinished=unfinished, backend=backend
    )


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


def folder_size(folder: Path) -> int | None:
    """Return how much of the disk a folder takes; None where there is none."""
    if not folder.is_dir():
        return None
    size = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                size += (Path(path) / name).lstat().st_blocks * 512
            except OSError:
                continue
    return size


def _check_selection(references: Sequence[object], text: str | None, older_than: object, keep: int | None) -> None:
    if references and (text is not None or older_than is not None or keep is not None):
        raise UsageError("jobs that are named are deleted as they are: filter, older_than and keep choose among all.")
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


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
