"""What of jobs stands in the database and does not move by itself: read for many jobs at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from mlmagic.filters.sort import SortKey, order
from mlmagic.filters.sql import condition
from mlmagic.filters.tree import Filter, about_trials
from mlmagic.server.pattern_search import has_pattern, search_apart
from mlmagic.spec import codec
from mlmagic.spec.job import JobState, JobSummary, Origin
from mlmagic.workspace.rows import SUMMARY_COLUMNS, UNFINISHED_ROWS, to_summary
from mlmagic.workspace.times import from_micros

if TYPE_CHECKING:
    import sqlite3

    from mlmagic.workspace.database import Database

_NEWEST_FIRST = "create_time DESC, id DESC"
# When this attempt began to run, which is later than the job did if it is another than the first.
_BEGAN = """CASE WHEN state = 'RUNNING' THEN (
    SELECT min(time) FROM events WHERE subject = 'job:' || jobs.id AND events.kind = 'state'
    AND json_extract(payload, '$.state') = 'RUNNING' AND json_extract(payload, '$.attempt') = jobs.attempt
) END"""
_DETAILS = (
    f"SELECT {SUMMARY_COLUMNS}, metrics, json_extract(record, '$.spec.origin'), "  # noqa: S608 - constants
    f"json_extract(record, '$.spec.study.metric'), json_extract(record, '$.spec.fromStudy'), {_BEGAN} "
    "FROM jobs JOIN records USING (number) WHERE id IN (SELECT value FROM json_each(?))"
)
_OBJECTIVES = (
    "SELECT id, json_extract(record, '$.spec.study.metric') FROM jobs JOIN records USING (number) "
    "WHERE id IN (SELECT value FROM json_each(?))"
)


_Run: TypeAlias = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuery:
    """Which part of the list of jobs is wanted."""

    where: Filter | None = None
    sort_by: Sequence[SortKey] = ()
    limit: int = 50
    offset: int = 0
    trials: bool = False
    """With those of studies."""
    ids: Sequence[str] = ()
    """Only these, trials too; all if there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillRow:
    """A job as its row tells it."""

    summary: JobSummary
    origin: Origin
    objective: str | None = None
    """The metric of the study that it is, or is a part of."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    began: datetime | None = None
    """When the attempt that runs did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillPage:
    """A part of the list."""

    rows: tuple[StillRow, ...]
    total: int
    unfinished: int
    event: int


class JobTable:
    """Reads rows of jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, query: PageQuery) -> StillPage:
        """Return a part of the list, all of it as it was at one moment.

        Raises:
            WorkspaceError: the database cannot be read.
            UsageError: a pattern takes too long.
        """
        if has_pattern(query.where):
            return self._page_apart(query)
        with self._moment() as connection:
            ids, total = _found(query, lambda sql, values: connection.execute(sql, values).fetchall())
            return _still_page(connection, ids, total, _last_event(connection))

    def _page_apart(self, query: PageQuery) -> StillPage:
        path = self._database.workspace.database
        with self._moment() as connection:
            # Read before the jobs are found: what happens meanwhile is told as news once more.
            event = _last_event(connection)
        ids, total = _found(query, lambda sql, values: search_apart(path, sql, values))
        with self._moment() as connection:
            return _still_page(connection, ids, total, event)

    def rows(self, ids: Iterable[str]) -> list[StillRow]:
        """Return the rows of jobs, in that order; those that are gone are left out.

        Raises:
            WorkspaceError: the database cannot be read.
        """
        with self._moment() as connection:
            return _still_rows(connection, list(ids))

    def ids_in(self, *states: JobState) -> list[str]:
        """Return the jobs in these states, trials too, in the order in which they are started.

        Raises:
            WorkspaceError: the database cannot be read.
        """
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT id FROM jobs WHERE {UNFINISHED_ROWS} AND state IN ({', '.join('?' * len(states))}) "  # noqa: S608
                "ORDER BY priority DESC, create_time, id",
                [str(state) for state in states],
            ).fetchall()
        return [row[0] for row in rows]

    @contextmanager
    def _moment(self) -> Iterator[sqlite3.Connection]:
        with self._database.read() as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")


def _found(query: PageQuery, run: _Run) -> tuple[list[str], int]:
    """Return the ids of the jobs of a part of the list, and how many there are in all parts."""
    conditions, values = _conditions(query)
    by = order(query.sort_by)
    sql = f"SELECT id FROM jobs WHERE {conditions} ORDER BY {f'{by.sql}, ' if by else ''}{_NEWEST_FIRST}"  # noqa: S608 - what users type is among the values
    found = run(f"{sql} LIMIT ? OFFSET ?", (*values, *(by.values if by else ()), query.limit, query.offset))
    ids = [row[0] for row in found]
    total = query.offset + len(ids)
    if len(ids) == query.limit or (query.offset and not ids):
        total = run(f"SELECT count(*) FROM jobs WHERE {conditions}", values)[0][0]  # noqa: S608
    return ids, total


def _still_page(connection: sqlite3.Connection, ids: Sequence[str], total: int, event: int) -> StillPage:
    unfinished = connection.execute(
        f"SELECT count(*) FROM jobs WHERE {UNFINISHED_ROWS} AND parent IS NULL"  # noqa: S608
    ).fetchone()[0]
    return StillPage(rows=tuple(_still_rows(connection, ids)), total=total, unfinished=unfinished, event=event)


def _conditions(query: PageQuery) -> tuple[str, tuple[Any, ...]]:
    conditions: list[str] = []
    values: list[Any] = []
    if query.ids:
        conditions.append("id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(list(query.ids)))
    elif not (query.trials or about_trials(query.where)):
        conditions.append("parent IS NULL")
    if query.where is not None:
        part = condition(query.where, datetime.now(UTC))
        conditions.append(f"({part.sql})")
        values += part.values
    return " AND ".join(conditions) or "1", tuple(values)


def _last_event(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()[0])


def _still_rows(connection: sqlite3.Connection, ids: Sequence[str]) -> list[StillRow]:
    found = {row[0]: row for row in connection.execute(_DETAILS, (json.dumps(ids),))}
    details = [found[job_id] for job_id in ids if job_id in found]
    studies = {study for row in details for study in (row[13], row[18]) if study is not None}
    objectives = dict(connection.execute(_OBJECTIVES, (json.dumps(sorted(studies)),))) if studies else {}
    return [_still_row(row, objectives) for row in details]


def _still_row(row: tuple[Any, ...], objectives: Mapping[str, str | None]) -> StillRow:
    *columns, metrics, origin, metric, from_study, began = row
    summary = to_summary(tuple(columns))
    return StillRow(
        summary=summary,
        origin=codec.decode(Origin, json.loads(origin)) if origin else Origin(),
        objective=metric or objectives.get(summary.parent or from_study or ""),
        metrics=_numbers(metrics),
        began=from_micros(began) if began is not None else summary.start_time,
    )


def _numbers(text: str | None) -> dict[str, float]:
    return {name: float(value) for name, value in json.loads(text).items()} if text else {}
