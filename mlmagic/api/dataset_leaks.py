"""Columns that tell the target nearly by themselves, found in a sample of the rows.

Each column guesses the target alone: fitted to every other row, judged by those between. A column of numbers may do so
in any smooth way, one of values by the mean of each; what stands in one row alone tells nothing of others.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.api.dataset_frames import read_batches
from mlmagic.spec.dataset import Column, ColumnType, DatasetSchema
from mlmagic.spec.dataset_report import Leak

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

_THRESHOLD = 0.98
_FEWEST_ROWS, _MOST_ROWS, _MOST_CELLS = 100, 20_000, 2_000_000
_SHARDS = 4
_CLASSES = 10
# Neighbours by value that are averaged: fewer would follow noise, more would blunt a curve.
_NEIGHBOURS = 10
_CLASS_TYPES = frozenset({ColumnType.STRING, ColumnType.BOOLEAN})


def find_leaks(paths: Sequence[Path], schema: DatasetSchema) -> tuple[Leak, ...]:
    """Return the columns that tell the target, the best first; none without a target or with few rows.

    Raises:
        MissingDependencyError: pyarrow is not installed.
        OSError: a shard cannot be read.
    """
    target = schema.column(schema.target) if schema.target else None
    columns = [column for column in schema.columns if column is not target and column.name != schema.key]
    if target is None or not columns or not paths:
        return ()
    table = _sample(paths, [target, *columns])
    if table.num_rows < _FEWEST_ROWS:
        return ()
    goal = _goal(table[target.name], target)
    found = [Leak(column=column.name, score=_score(table[column.name], column, goal)) for column in columns]
    return tuple(sorted((leak for leak in found if leak.score >= _THRESHOLD), key=lambda leak: -leak.score))


def _sample(paths: Sequence[Path], columns: Sequence[Column]) -> Any:
    """Return the first rows of a few shards spread over all."""
    import pyarrow as pa

    rows = max(_FEWEST_ROWS, min(_MOST_ROWS, _MOST_CELLS // len(columns)))
    chosen = paths[:: -(-len(paths) // _SHARDS)]
    each = -(-rows // len(chosen))
    firsts = [next(read_batches(path, [column.name for column in columns], each), None) for path in chosen]
    # Of shards that were written by themselves, dictionaries differ.
    return pa.Table.from_batches([first for first in firsts if first is not None]).unify_dictionaries()


def _goal(values: Any, column: Column) -> Array:
    """Return a column for a number, and of classes one for each of the most frequent, 1 where a row is of it."""
    import numpy as np

    if column.type not in _CLASS_TYPES:
        numbers = _numbers(values)
        is_known = np.isfinite(numbers)
        filled: Array = np.where(is_known, numbers, numbers[is_known].mean() if is_known.any() else 0.0)
        return filled[:, None]
    codes = _codes(values)
    frequent = np.argsort(-np.bincount(codes), kind="stable")[:_CLASSES]
    goal: Array = (codes[:, None] == frequent[None, :]).astype(np.float64)
    return goal


def _score(values: Any, column: Column, goal: Array) -> float:
    """Return how much of the target a column tells, in the rows that it was not fitted to."""
    fitted, judged = goal[::2], goal[1::2]
    if column.type in _CLASS_TYPES:
        codes = _codes(values)
        guess = _by_value(codes[::2], fitted, codes[1::2])
    else:
        numbers = _numbers(values)
        guess = _by_number(numbers[::2], fitted, numbers[1::2])
    return _told(guess, judged, fitted)


def _told(guess: Array, judged: Array, fitted: Array) -> float:
    if judged.shape[1] == 1:
        rest, whole = float(((judged - guess) ** 2).sum()), float(((judged - fitted.mean(axis=0)) ** 2).sum())
    else:
        truth = judged.argmax(axis=1)
        rest = float((guess.argmax(axis=1) != truth).sum())
        whole = float((truth != fitted.mean(axis=0).argmax()).sum())
    return max(0.0, 1 - rest / whole) if whole > 0 else 0.0


def _by_value(codes: Array, goal: Array, asked: Array) -> Array:
    """Guess the mean of the rows with the same value, and that of all where there is none."""
    import numpy as np

    size = int(max(codes.max(), asked.max())) + 1
    counts = np.bincount(codes, minlength=size).astype(np.float64)
    sums = np.stack([np.bincount(codes, weights=part, minlength=size) for part in goal.T], axis=1)
    # Towards the mean of all, so that one row tells little.
    means = (sums + goal.mean(axis=0)) / (counts + 1)[:, None]
    found: Array = means[asked]
    return found


def _by_number(numbers: Array, goal: Array, asked: Array) -> Array:
    """Guess from the mean of neighbours, in a straight line from one to the next; of missing ones their own mean."""
    import numpy as np

    present, wanted = np.isfinite(numbers), np.isfinite(asked)
    guess = np.repeat((goal[~present] if (~present).any() else goal).mean(axis=0)[None, :], len(asked), axis=0)
    if present.sum() < _NEIGHBOURS:
        return guess
    order = np.argsort(numbers[present], kind="stable")
    starts = np.arange(0, len(order), _NEIGHBOURS)
    sizes = np.diff(np.append(starts, len(order)))
    at = np.add.reduceat(numbers[present][order], starts) / sizes
    sums = np.add.reduceat(goal[present][order], starts, axis=0)
    # What is the same number is one neighbourhood, however large.
    places, group = np.unique(at, return_inverse=True)
    counts = np.bincount(group, weights=sizes)
    for column, known in enumerate(sums.T):
        guess[wanted, column] = np.interp(asked[wanted], places, np.bincount(group, weights=known) / counts)
    return guess


def _numbers(values: Any) -> Array:
    """Return a column as numbers; times by their microseconds, missing ones as NaN."""
    import pyarrow as pa

    chunked = values.combine_chunks()
    if pa.types.is_timestamp(chunked.type) or pa.types.is_date(chunked.type):
        chunked = chunked.cast(pa.timestamp("us")).cast(pa.int64())
    numbers: Array = chunked.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers


def _codes(values: Any) -> Array:
    """Return a number for each distinct value, one for missing ones too."""
    import pyarrow as pa

    chunked = values.combine_chunks()
    encoded = chunked if pa.types.is_dictionary(chunked.type) else chunked.dictionary_encode()
    missing = len(encoded.dictionary)
    codes: Array = encoded.indices.fill_null(missing).to_numpy(zero_copy_only=False)
    return codes
