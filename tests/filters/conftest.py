"""Records to filter, and both ways to filter them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from mlmagic.filters import predicate, sql
from mlmagic.filters.parser import parse
from mlmagic.filters.tree import Filter
from mlmagic.spec import codec
from mlmagic.spec.job import JobRecord, JobSpec, JobState, PackageReference
from mlmagic.workspace.database import add_functions
from mlmagic.workspace.rows import write_job
from mlmagic.workspace.schema import make_tables

NOW = datetime(2026, 1, 31, 12, 30, 15, 123456, tzinfo=UTC)
SPEC = JobSpec(display_name="taxi", package=PackageReference(digest="d1"))


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        add_functions(connection)
        make_tables(connection)
        yield connection


@pytest.fixture(scope="module")
def found_in_sql(connection: sqlite3.Connection) -> Callable[..., list[str]]:
    """Return the ids of those records, of all that are in the table for the moment, that a filter lets through."""

    def find(given: Filter, records: list[JobRecord], now: datetime = NOW) -> list[str]:
        connection.execute("BEGIN")
        try:
            for record in records:
                write_job(connection, record)
            condition = sql.condition(given, now)
            query = f"SELECT id FROM jobs WHERE {condition.sql} ORDER BY number"  # noqa: S608
            return [row[0] for row in connection.execute(query, condition.values)]
        finally:
            connection.execute("ROLLBACK")

    return find


@pytest.fixture(scope="module")
def passes(found_in_sql: Callable[..., list[str]]) -> Callable[..., bool]:
    """Say whether a filter lets a record with these fields through, and see that SQL says so too."""

    def check(text: str, now: datetime = NOW, **fields: Any) -> bool:
        record, given = make_record(**fields), parse(text)
        answer = predicate.matches(given, codec.encode(record), now)
        assert bool(found_in_sql(given, [record], now)) is answer, (text, sql.condition(given, now))
        return answer

    return check


def make_record(number: int = 0, **fields: Any) -> JobRecord:
    """Return a record; fields that it does not have are those of its spec."""
    own = {name: value for name, value in fields.items() if name in JobRecord.__dataclass_fields__}
    spec = replace(SPEC, **{name: value for name, value in fields.items() if name not in own})
    record_id = own.pop("id", f"{spec.display_name}-20260131-123015-{number:04x}")
    defaults = {"state": JobState.RUNNING, "create_time": NOW, "update_time": NOW}
    return JobRecord(id=record_id, spec=spec, **{**defaults, **own})


@pytest.fixture(scope="module")
def new_record() -> Callable[..., JobRecord]:
    return make_record
