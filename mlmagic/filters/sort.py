"""`--sort-by`: by which keys, and in which direction. What has no value comes last in both."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlmagic.errors import UsageError
from mlmagic.filters.columns import Condition, single
from mlmagic.filters.keys import Key, Kind, find
from mlmagic.filters.predicate import Scalar, values_of
from mlmagic.filters.values import number_of

_DIRECTION = re.compile(r"~?(\S+)\s+(asc|desc)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SortKey:
    """A key to sort by, in the terms of the filter language."""

    key: str
    is_descending: bool = False


def parse_sort(text: str) -> tuple[SortKey, ...]:
    """Read `~createTime,displayName`: keys of jobs with commas between them, `~` for the highest first.

    Raises:
        UsageError: it names keys that there are not, or that have several values; all are listed.
    """
    return parse_keys(text, "jobs", lambda name: _sortable(name).name)


def parse_keys(text: str, what: str, spelled: Callable[[str], str]) -> tuple[SortKey, ...]:
    """Read keys with commas between them, `~` for the highest first.

    Args:
        text: as the user typed it.
        what: what is sorted, for errors: `jobs`.
        spelled: returns a key as it is spelled, or raises a UsageError.

    Raises:
        UsageError: it names keys that there are not; all are listed.
    """
    found, problems = [], []
    for part in text.split(",") if text.strip() else ():
        name = part.strip()
        if match := _DIRECTION.fullmatch(name):
            is_down = match[2].lower() == "desc"
            problems.append(f"there is no {match[2]!r} after a key: write {'~' * is_down}{match[1]}.")
            continue
        try:
            found.append(SortKey(key=spelled(_named(name)), is_descending=name.startswith("~")))
        except UsageError as error:
            problems.append(str(error).replace("\n", " "))
    if problems:
        raise UsageError(f"{what} cannot be sorted by {text!r}:", problems=problems)
    return tuple(found)


def _named(part: str) -> str:
    name = part.removeprefix("~").strip()
    if not name:
        raise UsageError("there is nothing between two commas, or after a ~.")
    return name


def _sortable(name: str) -> Key:
    key = find(name)
    if not key.is_single:
        raise UsageError(f"{name!r} has several values{f'; name one: {name}.NAME' if key.is_mapping else ''}.")
    return key


def order(keys: Sequence[SortKey]) -> Condition | None:
    """Return the terms of ORDER BY, or None where there are none."""
    parts: list[str] = []
    values: list[str | int | float] = []
    for sort_key in keys:
        key = find(sort_key.key)
        value = single(key)
        # Text that is a number sorts as one, before other text.
        number = f"CASE WHEN {value.sql} <= CAST(9e999 AS REAL) THEN CAST({value.sql} AS NUMERIC) ELSE {value.sql} END"
        is_plain = value.is_ascii or key.kind in {Kind.TIME, Kind.NUMBER, Kind.FLAG}
        parts += [f"{value.sql} IS NULL", (value.sql if is_plain else number) + " DESC" * sort_key.is_descending]
        values += value.values * (2 if is_plain else 4)
    return Condition(", ".join(parts), tuple(values)) if parts else None


def python_key(keys: Sequence[SortKey]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Return a key for `sorted`, over records as the codec encodes them."""
    found = [(find(sort_key.key), sort_key.is_descending) for sort_key in keys]

    def key_of(document: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(part for key, is_descending in found for part in ranked(values_of(key, document), is_descending))

    return key_of


def ranked(values: Sequence[Scalar], is_descending: bool) -> tuple[bool, Any]:
    """Return where the first of some values stands: numbers before other text, and what has none last."""
    if not values:
        return True, 0
    value = values[0]
    number = number_of(value) if isinstance(value, str) else value
    rank = (0, number) if number is not None else (1, value)
    return False, _Descending(rank) if is_descending else rank


@dataclass(frozen=True, slots=True)
class _Descending:
    """A rank that is lower where the other is higher."""

    rank: tuple[int, Any]

    def __lt__(self, other: _Descending) -> bool:
        return other.rank < self.rank
