"""Bodies of JSON to columns, all bodies of a block at once, where their values are of one kind each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.types as kinds

from mlmagic.monitoring.body_depth import is_deep

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Block = tuple[dict[str, Any], dict[str, Any], Integers]
"""Inputs, predictions, and for each row the place of its body."""

_EXACT = float(1 << 53)


class OddBodiesError(Exception):
    """The bodies are not all of the same kinds, so each has to be read by itself."""


def read_bodies(requests: Any, replies: Any, only_input: str | None, key: str | None = None) -> list[Block]:
    """Return the instances of bodies: those that came as rows, and those that came as columns, each in order.

    Bodies of other forms are in none.

    Args:
        requests: an Arrow array of text.
        replies: another one, of the same length.
        only_input: the name of values that have none.
        key: a column that may not lose a digit.

    Raises:
        OddBodiesError: numbers and texts are mixed, or lists of several lengths, or one is nested too deeply.
    """
    asked, answered = _parsed(requests), _parsed(replies)
    blocks = []
    for request in _forms(asked, "inputs", "instances", only_input):
        for reply in _forms(answered, "outputs", "predictions", "prediction"):
            are_both = (request.lengths > 0) & (request.lengths == reply.lengths)
            rows = np.repeat(np.flatnonzero(are_both), request.lengths[are_both])
            if len(rows):
                blocks.append((request.columns(are_both, key), reply.columns(are_both), rows))
    return blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Bodies with a list of rows."""

    lengths: Integers
    """How many rows each body has; 0 if it is of another form."""
    lists: Any
    only: str | None

    def columns(self, chosen: Flags, key: str | None = None) -> dict[str, Any]:
        """Return the columns of some bodies."""
        rows = _flat(self.lists.filter(pa.array(chosen)))
        if not kinds.is_struct(rows.type):
            return {self.only or "": _value(rows, is_exact=self.only == key)}
        if rows.null_count:
            raise OddBodiesError
        names = [each.name for each in rows.type]
        return {name: _value(each, is_exact=name == key) for name, each in zip(names, rows.flatten(), strict=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Bodies with a list for each column."""

    lengths: Integers
    lists: dict[str, Any]

    def columns(self, chosen: Flags, key: str | None = None) -> dict[str, Any]:
        """Return the columns of some bodies; what a body does not have is missing in its rows."""
        lengths = self.lengths[chosen]
        found = {}
        for name, lists in self.lists.items():
            taken = lists.filter(pa.array(chosen))
            values = _flat(taken)
            if taken.null_count:
                is_missing = np.repeat(taken.is_null().to_numpy(zero_copy_only=False), lengths)
                values = _spread(values, is_missing)
            found[name] = _value(values, is_exact=name == key)
        return found


def _forms(bodies: Any, columns: str, rows: str, only: str | None) -> Iterator[_Rows | _Columns]:
    """Yield the bodies that have columns, and those that have rows."""
    has_columns = np.zeros(bodies.num_rows, bool)
    if columns in bodies.column_names:
        values = bodies.column(columns).combine_chunks()
        has_columns = values.is_valid().to_numpy(zero_copy_only=False)
        if kinds.is_struct(values.type):
            yield _columns_of(values, has_columns)
        elif _is_list(values.type) and only is not None:
            yield _Columns(lengths=_lengths(values), lists={only: values})
    if rows in bodies.column_names:
        values = bodies.column(rows).combine_chunks()
        if _is_list(values.type) and (only is not None or kinds.is_struct(values.type.value_type)):
            yield _Rows(lengths=np.where(has_columns, 0, _lengths(values)), lists=values, only=only)


def _columns_of(values: Any, has_columns: Flags) -> _Columns:
    columns = {kind.name: each for kind, each in zip(values.type, values.flatten(), strict=True)}
    lists = {name: each for name, each in columns.items() if not kinds.is_null(each.type)}
    if "" in columns or not all(_is_list(each.type) for each in lists.values()):
        raise OddBodiesError
    lengths = np.full(len(values), -1)
    are_usable = has_columns
    for each in lists.values():
        is_there = each.is_valid().to_numpy(zero_copy_only=False)
        mine = _lengths(each)
        are_usable = are_usable & (~is_there | (lengths < 0) | (lengths == mine))
        lengths = np.where(is_there, mine, lengths)
    return _Columns(lengths=np.where(are_usable, np.maximum(lengths, 0), 0), lists=lists)


def _parsed(bodies: Any) -> Any:
    """Return a table with a row for each body.

    Raises:
        OddBodiesError: a column has values of several kinds, a body is nested too deeply or no object.
    """
    if is_deep(bodies):
        # The reader would go down with the process.
        raise OddBodiesError
    listed = pa.ListArray.from_arrays(pa.array([0, len(bodies)], pa.int32()), bodies)
    text = pc.binary_join(listed, "\n")[0].as_buffer()
    try:
        table = _read(text, None)
        told = [_as_told(each) for each in table.schema]
        if told != list(table.schema) or not _is_whole(table):
            table = _read(text, pa.schema(told))
    except pa.ArrowInvalid:
        raise OddBodiesError from None
    if table.num_rows != len(bodies):
        raise OddBodiesError
    return table


def _read(text: Any, schema: Any) -> Any:
    return pj.read_json(
        pa.BufferReader(text),
        # One block: what kind a column is of shall not depend on where another one begins.
        read_options=pj.ReadOptions(use_threads=False, block_size=text.size + 1),
        parse_options=pj.ParseOptions(explicit_schema=schema, newlines_in_values=True),
    )


def _is_whole(table: Any) -> bool:
    """Say whether lists have all their values: a null before the first value, of no kind yet, is lost."""
    try:
        table.validate()
    except pa.ArrowInvalid:
        return False
    return True


def _as_told(kind: Any) -> Any:
    return kind.with_type(_told_type(kind.type))


def _told_type(kind: Any) -> Any:
    """Return the type as which values are to be read that were taken for another."""
    if kinds.is_temporal(kind):
        # A text that looks like a time is a text all the same.
        return pa.string()
    if kinds.is_struct(kind):
        return pa.struct([_as_told(each) for each in kind])
    if not _is_list(kind):
        return kind
    # Where a list has nothing but nulls: see `_is_whole`.
    return pa.list_(pa.float64() if kinds.is_null(kind.value_type) else _told_type(kind.value_type))


def _value(values: Any, *, is_exact: bool) -> Any:
    """Return the numbers or texts themselves where they come in lists of one."""
    while _is_list(values.type):
        lengths = _lengths(values)[values.is_valid().to_numpy(zero_copy_only=False)]
        if (lengths == 1).all() and len(lengths):
            is_missing = values.is_null().to_numpy(zero_copy_only=False)
            values = _spread(_flat(values), is_missing) if is_missing.any() else _flat(values)
        elif (lengths == 1).any():
            raise OddBodiesError
        else:
            break
    if is_exact and kinds.is_floating(values.type):
        largest = pc.max(pc.abs(values)).as_py()
        if largest is not None and largest >= _EXACT:
            raise OddBodiesError
    return values


def _flat(lists: Any) -> Any:
    """Return the values of lists; those of none where one is missing."""
    return lists.flatten()


def _spread(values: Any, is_missing: Flags) -> Any:
    """Return the values in order, with a null wherever one is missing."""
    places = np.cumsum(~is_missing) - 1
    return values.take(pa.array(places, mask=is_missing))


def _lengths(lists: Any) -> Integers:
    lengths = pc.list_value_length(lists).fill_null(0)
    return np.asarray(lengths.to_numpy(), np.int64)


def _is_list(kind: Any) -> bool:
    return bool(kinds.is_list(kind) or kinds.is_large_list(kind))
