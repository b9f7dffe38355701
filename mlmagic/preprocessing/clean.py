"""The user's `clean` or `clean_row`, imported by its module's name wherever it runs, never pickled."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from types import ModuleType
from typing import Any

import pyarrow as pa

from mlmagic.errors import UsageError


class CleanKind(Enum):
    """What the cell's function takes."""

    NOTHING = auto()
    """There is none."""
    RECORD_BATCH = auto()
    TABLE = auto()
    FRAME = auto()
    ROW = auto()


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A row at which `clean_row` raised."""

    reason: str
    """Without the exception's message, which may hold values."""
    message: str
    text: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What became of a batch."""

    batch: pa.RecordBatch | None
    """None where `clean_row` left no row, so that nothing tells the columns."""
    failed: Sequence[FailedRow] = ()


class Cleaner:
    """The function of a cell, ready for batches."""

    def __init__(self, module: ModuleType) -> None:
        self.kind, self._function = find_clean(module)

    def __call__(self, batch: pa.RecordBatch) -> Cleaned:
        """Clean a batch. An exception in `clean` goes through; one in `clean_row` rejects its row."""
        match self.kind:
            case CleanKind.NOTHING:
                return Cleaned(batch)
            case CleanKind.ROW:
                return self._clean_rows(batch)
            case CleanKind.RECORD_BATCH:
                return Cleaned(_to_batch(self._function(_with_plain_text(batch))))
            case CleanKind.TABLE:
                return Cleaned(_to_batch(self._function(pa.Table.from_batches([_with_plain_text(batch)]))))
            case CleanKind.FRAME:
                return Cleaned(_to_batch(self._function(to_frame(batch))))

    def _clean_rows(self, batch: pa.RecordBatch) -> Cleaned:
        kept: list[Mapping[str, Any]] = []
        failed = []
        for row in batch.to_pylist():
            told = dict(row)  # the function may change it
            try:
                result = self._function(row)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is about this row
                failed.append(_failed_row(error, told))
            else:
                kept += _rows_of(result)
        return Cleaned(_from_rows(kept) if kept else None, failed)


def import_cell(name: str) -> ModuleType:
    """Import the module that the cell became."""
    return importlib.import_module(name)


def find_clean(module: ModuleType) -> tuple[CleanKind, Callable[[Any], Any]]:
    """Return the function of a module, and what it takes by its annotation.

    Raises:
        UsageError: it has both functions, or one that takes another number of arguments.
    """
    found = {name: getattr(module, name) for name in ("clean", "clean_row") if callable(getattr(module, name, None))}
    if len(found) == 2:
        raise UsageError("The cell defines both clean and clean_row; one of them has to go.")
    if not found:
        return CleanKind.NOTHING, lambda batch: batch
    ((name, function),) = found.items()
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or any(_is_required(parameter) for parameter in parameters[1:]):
        raise UsageError(
            f"{name}{inspect.signature(function)} has to take one argument.",
            hint=f"Write `def {name}({'batch: pa.RecordBatch' if name == 'clean' else 'row: dict'}):`.",
        )
    return CleanKind.ROW if name == "clean_row" else _kind_of(parameters[0].annotation), function


def to_frame(batch: pa.RecordBatch) -> Any:
    """Return a batch as pandas has it. Integers and booleans with missing values stay what they are, as `Int64`."""
    import pandas as pd

    nullable: dict[pa.DataType, Any] = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    columns = {}
    for name, array in zip(batch.schema.names, _with_plain_text(batch).columns, strict=True):
        mapper = nullable.get if array.null_count else None
        columns[name] = array.to_pandas(types_mapper=mapper, date_as_object=False)
    # Arrow's memory is not to be written to, and people do assign to rows.
    return pd.DataFrame(columns, copy=True)


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """Return a table as a single batch."""
    batches = table.unify_dictionaries().combine_chunks().to_batches()
    if len(batches) == 1:
        return batches[0]
    return pa.RecordBatch.from_pylist([], schema=table.schema)


def _is_required(parameter: inspect.Parameter) -> bool:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return parameter.default is inspect.Parameter.empty and parameter.kind not in variable


def _kind_of(annotation: object) -> CleanKind:
    # With `from __future__ import annotations` it is text.
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    match name.strip("\"'").rpartition(".")[2]:
        case "RecordBatch":
            return CleanKind.RECORD_BATCH
        case "Table":
            return CleanKind.TABLE
        case _:
            return CleanKind.FRAME


def _with_plain_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    # Few of Arrow's functions take dictionaries, and pandas would make categories of them.
    columns = [array.dictionary_decode() if pa.types.is_dictionary(array.type) else array for array in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _to_batch(result: object) -> pa.RecordBatch:
    if isinstance(result, pa.RecordBatch):
        return result
    if isinstance(result, pa.Table):
        return one_batch(result)
    if type(result).__name__ == "DataFrame" and hasattr(result, "columns"):
        return _from_frame(result)
    raise UsageError(
        f"clean returned {_told(result)}; it has to return a DataFrame, a pyarrow Table or a RecordBatch.",
        hint="End it with `return batch`." if result is None else None,
    )


def _from_frame(frame: Any) -> pa.RecordBatch:
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"clean returned a DataFrame with two columns called {', '.join(twice)}.")
    arrays = []
    problems = []
    for place, name in enumerate(names):
        try:
            array = pa.array(frame.iloc[:, place], from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
            problems.append(f"{name}: {error}")
        else:
            arrays.append(array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array)
    if problems:
        raise UsageError("clean returned columns whose values are not of one type.", problems=problems)
    return pa.RecordBatch.from_arrays(arrays, names=names)


def _rows_of(result: object) -> Sequence[Mapping[str, Any]]:
    if result is None:
        return ()
    if isinstance(result, Mapping):
        return (result,)
    if isinstance(result, list) and all(isinstance(row, Mapping) for row in result):
        return result
    raise UsageError(
        f"clean_row returned {_told(result)}; it has to return a dict, a list of dicts, or None to leave the row out.",
    )


def _from_rows(rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    names = list(dict.fromkeys(name for row in rows for name in row))
    arrays = []
    problems = []
    for name in names:
        try:
            arrays.append(pa.array([row.get(name) for row in rows], from_pandas=True))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise UsageError("clean_row returned values that are not of one type.", problems=problems)
    return pa.RecordBatch.from_arrays(arrays, names=[str(name) for name in names])


def _failed_row(error: Exception, row: Mapping[str, Any]) -> FailedRow:
    reason = f"clean_row raised {type(error).__name__}"
    return FailedRow(reason, f"{reason}: {error}" if str(error) else reason, row_text(row))


def row_text(row: Mapping[str, Any]) -> str:
    """Return the beginning of a row for people to recognise it."""
    return json.dumps(row, default=str, ensure_ascii=False)[:1000]


def _told(result: object) -> str:
    """Return the type and the value, but of what would fill lines the type alone."""
    if result is None:
        return "None"
    text = repr(result)
    return f"a {type(result).__name__}" if "\n" in text else f"{type(result).__name__} {text:.60}"
