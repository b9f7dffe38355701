"""Where SQL finds the values of a key: in the columns of the table of jobs, or else in the whole record.

The table is that of `workspace.schema`; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mlmagic.filters.keys import Key, Kind

_COLUMNS = {
    "id": "id",
    "displayName": "display_name",
    "kind": "kind",
    "backend": "backend",
    "state": "state",
    "createTime": "create_time",
    "startTime": "start_time",
    "endTime": "end_time",
    "updateTime": "update_time",
    "priority": "priority",
    "attempt": "attempt",
    "exitCode": "exit_code",
    "model": "model",
    "modelVersion": "model_version",
    "dataset": "dataset",
    "datasetVersion": "dataset_version",
    "scaleTier": "scale_tier",
    "error.message": "error",
    "environment": "environment",
    "parent": "parent",
    "trial": "trial",
}
_MAPPINGS = {("spec", "labels"): "labels", ("spec", "flags"): "flags", ("metrics",): "metrics"}
_ASCII = frozenset({"id", "displayName", "kind", "backend", "state", "model"})
"""Names are, so SQLite compares them without case by itself."""

_RECORD = "(SELECT record FROM records WHERE records.number = jobs.number)"
_PLAIN_NAME = re.compile(r"[\w .,:;/+@-]+")


@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of SQL, and the values of its placeholders. It never has what a user typed in its text."""

    sql: str
    values: tuple[str | int | float, ...] = ()


@dataclass(frozen=True, slots=True)
class Expression:
    """A value in SQL; NULL where it is undefined."""

    sql: str
    values: tuple[str | int | float, ...] = ()
    is_ascii: bool = False


def single(key: Key) -> Expression:
    """Return the value of a key that has one at most."""
    if key.name in _COLUMNS:
        return Expression(_COLUMNS[key.name], is_ascii=key.name in _ASCII)
    if key.member is not None:
        return _member(_MAPPINGS.get(key.path), key.path, key.member)
    value = f"json_extract({_RECORD}, '{_path(key.path)}')"
    return Expression(f"CASE {value} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END" if key.kind is Kind.FLAG else value)


def _member(column: str | None, path: tuple[str, ...], name: str) -> Expression:
    parent = "$" if column else _path(path)
    if _PLAIN_NAME.fullmatch(name):
        return Expression(f"json_extract({column or _RECORD}, ?)", (f'{parent}."{name}"',))
    # SQLite's paths cannot say every name.
    value = f"(SELECT value FROM json_each({column or _RECORD}, '{parent}') WHERE key = ?)"  # noqa: S608 - names of ours
    return Expression(value, (name,))


def any_of(key: Key, condition: Callable[[Expression], Condition]) -> Condition:
    """Return that one of the items of a list fulfils a condition, or one of the names or values of a mapping."""
    if key.items is None:
        column = _MAPPINGS.get(key.path)
        source = f"json_each({column})" if column else f"json_each({_RECORD}, '{_path(key.path)}')"
        parts = [condition(Expression("item.key")), condition(Expression("item.value"))]
    else:
        source = f"json_each({_RECORD}, '{_path(key.path[: key.items])}')"
        inner = key.path[key.items :]
        parts = [condition(Expression(f"json_extract(item.value, '{_path(inner)}')" if inner else "item.value"))]
    values = tuple(value for part in parts for value in part.values)
    text = " OR ".join(part.sql for part in parts)
    return Condition(f"EXISTS (SELECT 1 FROM {source} AS item WHERE {text})", values)  # noqa: S608 - names of ours


def _path(parts: tuple[str, ...]) -> str:
    return ".".join(("$", *parts))
