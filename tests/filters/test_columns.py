from __future__ import annotations

import sqlite3

from mlmagic.filters.columns import _COLUMNS, _MAPPINGS, single
from mlmagic.filters.keys import Kind, all_keys, find


def test_columns_are_those_of_the_table(connection: sqlite3.Connection) -> None:
    columns = {row[1] for row in connection.execute("PRAGMA table_info(jobs)")}
    assert {*_COLUMNS.values(), *_MAPPINGS.values()} <= columns


def test_every_column_that_can_be_asked_for_is() -> None:
    known = {key.name for key in all_keys().values()} | {".".join(key.path) for key in all_keys().values()}
    assert set(_COLUMNS) <= known
    assert {".".join(path) for path in _MAPPINGS} <= known


def test_times_are_columns_since_json_has_them_as_text() -> None:
    times = {key.name for key in all_keys().values() if key.kind is Kind.TIME}
    assert times == {"createTime", "startTime", "endTime", "updateTime"}
    assert all("json" not in single(find(name)).sql for name in times)


def test_nothing_that_is_typed_becomes_sql() -> None:
    name = "labels.x') OR 1 --"
    expression = single(find(name))
    assert "--" not in expression.sql
    assert "x') OR 1 --" in str(expression.values)
