"""The list of jobs over REST, and one row of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlmagic.api.arguments import read_whole_number
from mlmagic.api.selection import SelectionCheck
from mlmagic.errors import UsageError
from mlmagic.filters.parser import parse
from mlmagic.filters.sort import parse_sort
from mlmagic.server.handler import Handler, Route, described
from mlmagic.server.job_rows_table import PageQuery
from mlmagic.server.live_views import views_of
from mlmagic.spec.noun import Noun
from mlmagic.spec.panel_rows import JobRow, JobRows

if TYPE_CHECKING:
    from mlmagic.filters.tree import Filter
    from mlmagic.session import Session

MOST_ROWS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsQuery(Noun):
    """Which jobs are listed."""

    filter: str = ""
    """In gcloud's filter language."""
    sort_by: str = ""
    """Keys with commas between them, `~` for the highest first; then the newest come first."""
    limit: int = 50
    offset: int = 0
    trials: bool = False
    """With those of studies, which are left out unless the filter names `parent` or `trial`."""
    ids: tuple[str, ...] = ()
    """Only these jobs, trials too."""


class FilterError(UsageError):
    """A filter that cannot be read, and where."""

    def __init__(self, error: UsageError, column: int | None) -> None:
        super().__init__(error.message, problems=error.problems, hint=error.hint)
        self.column = column
        """From 1; None where it is not one place."""


class JobRowsHandler(Handler):
    """The list of jobs."""

    while_empty = JobRows(jobs=(), total=0, unfinished=0, event=0)

    @described(JobRows, query=JobsQuery)
    async def get(self) -> None:
        """List jobs that pass a filter, the newest first unless told otherwise."""
        query = read_query(self.query(JobsQuery))
        rows = views_of(self.session).rows
        await self.respond(rows.page, query)


class JobRowHandler(Handler):
    """A row of the list."""

    @described(JobRow)
    async def get(self, job: str) -> None:
        """Tell of a job what the list tells."""
        await self.respond(read_row, self.session, job)


def read_row(session: Session, job_id: str) -> JobRow:
    """Return the row of a job.

    Raises:
        NotFoundError: there is no such job.
    """
    return views_of(session).rows.row(job_id)


def read_query(query: JobsQuery) -> PageQuery:
    """Return what is asked for, checked.

    Raises:
        FilterError: the filter cannot be read.
        UsageError: an order that cannot be read, numbers that make no sense; all are listed.
    """
    check = SelectionCheck()
    where = check.read(_read_filter, query.filter)
    order = check.read(parse_sort, query.sort_by)
    check.read(read_whole_number, query.limit, "limit", 1)
    check.read(_check_most, query.limit)
    check.read(read_whole_number, query.offset, "offset", 0)
    check.finish("the list of jobs")
    return PageQuery(
        where=where,
        sort_by=order or (),
        limit=query.limit,
        offset=query.offset,
        trials=query.trials,
        ids=query.ids,
    )


def _check_most(limit: int) -> None:
    if limit > MOST_ROWS:
        raise UsageError(f"limit {limit} must be {MOST_ROWS} or less.")


def _read_filter(text: str) -> Filter | None:
    try:
        return parse(text) if text.strip() else None
    except UsageError as error:
        raise FilterError(error, column_of(text, error)) from None


def column_of(text: str, error: UsageError) -> int | None:
    """Return where a filter goes wrong, from 1: where its error's mark stands."""
    lines = error.message.split("\n")
    if len(lines) < 3 or lines[-1].strip() != "^":
        return None
    shown, mark = lines[-2][2:], lines[-1].index("^") - 2
    if not shown.startswith("…"):
        return mark + 1
    # Of a long filter only a part is shown, in which a space stands for what cannot be.
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    begin = plain.find(shown[1:].removesuffix("…"))
    return None if begin < 0 else begin + mark


ROUTES = (Route("jobs", JobRowsHandler), Route("jobs/{job}/row", JobRowHandler))
