"""Which columns of a dataset are shown: the first ones, or those that a call names."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from mlmagic.errors import UsageError, nearest
from mlmagic.spec.dataset import DatasetSchema

Columns = str | Sequence[str] | None
"""Names or patterns such as `pickup_*`; in one string with commas between them."""


def choose_columns(schema: DatasetSchema, columns: Columns, *, first: int, most: int) -> tuple[str, ...]:
    """Return the names of columns to show: the first few with target and key among them, or those that are named.

    Args:
        schema: what columns there are.
        columns: what is asked for; None where nothing is.
        first: how many are shown unsaid.
        most: how many at most are shown at once: a page with thousands of charts does not come back.

    Raises:
        UsageError: a name or pattern fits no column; all are listed with the nearest.
    """
    names = [column.name for column in schema.columns]
    if columns is None:
        special = [name for name in (schema.target, schema.key) if name in names]
        kept = {*special, *[name for name in names if name not in special][: max(0, first - len(special))]}
        return tuple(name for name in names if name in kept)
    chosen: dict[str, None] = {}
    problems = []
    for pattern in _patterns(columns, names):
        found = [name for name in names if name == pattern] or [name for name in names if fnmatchcase(name, pattern)]
        if not found:
            problems.append(f"{pattern!r}: no such column. {nearest(pattern, names)}".rstrip())
        chosen |= dict.fromkeys(found)
    if problems or not chosen:
        raise UsageError(
            "these name no columns:" if problems else "columns is empty: name some, or leave it out.",
            problems=problems,
            hint=f"It has {_listed(names)}.",
        )
    return tuple(chosen)[:most]


def _patterns(columns: str | Sequence[str], names: Sequence[str]) -> list[str]:
    if isinstance(columns, str):
        # A column may have commas in its name.
        return [columns] if columns in names else [part.strip() for part in columns.split(",") if part.strip()]
    if isinstance(columns, Sequence) and all(isinstance(each, str) for each in columns):
        return list(columns)
    raise UsageError(f"columns are names or patterns, not {columns!r:.60}.")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10:,} more"
