"""Which type a column has, from its values and from what the files say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import pyarrow as pa

from mlmagic.errors import UsageError
from mlmagic.preprocessing.reading.convert import is_text
from mlmagic.spec.dataset import ColumnType

Types = dict[str, ColumnType]
"""Of columns, by name, in their order."""

MOST_COLUMNS = 20_000
"""More of them are no table, and all that is known of each would fill the memory."""
_SHOWN = 8


def check_width(count: int, path: str) -> None:
    """Refuse a file with very many columns, before anything is done with each of them.

    Raises:
        UsageError: it has more than `MOST_COLUMNS`.
    """
    if count > MOST_COLUMNS:
        raise UsageError(
            f"{path}: has more than {MOST_COLUMNS:,} columns, and no more can be read.",
            hint="Are rows and columns exchanged, or values the names of keys? Bring the file into rows first.",
        )


def arrow_kind(kind: pa.DataType) -> ColumnType | Literal[False] | None:
    """Return which type of column these values make: None without values, False where a dataset cannot hold them."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_null(kind):
        return None
    for is_that, of_that in _KINDS:
        if is_that(kind):
            return of_that
    return False


_KINDS = (
    (pa.types.is_integer, ColumnType.INTEGER),
    (pa.types.is_floating, ColumnType.FLOAT),
    (pa.types.is_decimal, ColumnType.FLOAT),
    (pa.types.is_boolean, ColumnType.BOOLEAN),
    (is_text, ColumnType.STRING),
    (pa.types.is_binary, ColumnType.STRING),
    (pa.types.is_large_binary, ColumnType.STRING),
    (pa.types.is_fixed_size_binary, ColumnType.STRING),
    (pa.types.is_time, ColumnType.STRING),
    (pa.types.is_timestamp, ColumnType.TIMESTAMP),
    (pa.types.is_date, ColumnType.DATE),
)


def unified(kinds: Iterable[ColumnType | Literal[False] | None]) -> ColumnType:
    """Return the type that can hold values of all of these."""
    found = {kind for kind in kinds if kind}
    match sorted(found):
        case [only]:
            return only
        case [ColumnType.FLOAT, ColumnType.INTEGER]:
            return ColumnType.FLOAT
        case [ColumnType.DATE, ColumnType.TIMESTAMP]:
            return ColumnType.TIMESTAMP
    return ColumnType.STRING


def same_columns(names: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the names of the columns that all files have, in the first one's order.

    Raises:
        UsageError: a file lacks a column, has another, or has one twice.
    """
    first, *_ = names
    expected = tuple(names[first])
    problems = [f"{path}: {problem}" for path, own in names.items() for problem in _differences(own, expected)]
    if problems:
        left_out = f"and {len(problems) - 20} more problems" if len(problems) > 20 else None
        raise UsageError(
            f"The files do not have the same columns as {first}.",
            problems=[*problems[:20], *([left_out] if left_out else [])],
            hint="Read only files of the same columns, or give their names with --column-names.",
        )
    return expected


def _differences(own: Sequence[str], expected: Sequence[str]) -> Iterable[str]:
    counts, known = Counter(own), set(expected)
    if twice := sorted(name for name, count in counts.items() if count > 1):
        yield f"has twice {_listed(twice)}"
    if lacking := [name for name in expected if name not in counts]:
        yield f"lacks {_listed(lacking)}"
    if added := [name for name in own if name not in known]:
        yield f"has {_listed(added)} in addition"


def _listed(names: Sequence[str]) -> str:
    told = ", ".join(name or "a column without a name" for name in names[:_SHOWN])
    return told if len(names) <= _SHOWN else f"{told} and {len(names) - _SHOWN} more"
