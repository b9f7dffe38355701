"""Values as they are usual in training: drawn from what statistics know of a column, evenly over its distribution."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.model import TensorSpec
from mlmagic.spec.statistics import QUANTILES, ColumnStatistics, Vocabulary

Array = np.ndarray[Any, np.dtype[Any]]

_BOOLEANS: Mapping[str, float] = {"false": 0.0, "true": 1.0}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES: Mapping[ColumnType, str] = {ColumnType.DATE: "%Y-%m-%d", ColumnType.TIMESTAMP: "%Y-%m-%d %H:%M:%S"}


def why_not(column: ColumnStatistics | None, spec: TensorSpec) -> str | None:
    """Return why no values can be drawn for an input, or None if they can."""
    if column is None:
        return f"{spec.name} is no column of it"
    if spec.shape[1:] not in {(), (1,)}:
        return f"{spec.name} has several values for a row"
    if column.numeric is None and not (column.vocabulary and column.vocabulary.values):
        return f"{spec.name} has no values that it lists"
    if column.type in _TIMES and spec.dtype != "string":
        return f"{spec.name} is a time, and the model takes {spec.dtype}"
    if column.numeric is None and spec.dtype != "string":
        return f"{spec.name} has texts, and the model takes {spec.dtype}"
    return None


def draw(column: ColumnStatistics, spec: TensorSpec, count: int, chance: np.random.Generator, missing: Any) -> Array:
    """Return values for an input, one from each of `count` equal parts of the column's distribution, in random order.

    Args:
        column: one for which `why_not` has nothing to say.
        spec: the input.
        count: how many.
        chance: what draws them.
        missing: what stands for a missing value, if the input is optional: there are as many as in training.
    """
    places = (chance.permutation(count) + chance.random(count)) / count
    part = column.missing / max(1, column.count + column.missing) if spec.optional else 0.0
    values = _values(column, spec.dtype, np.clip((places - part) / (1 - part), 0.0, 1.0) if part < 1 else places)
    if part:
        values[places < part] = missing
    return values


def _values(column: ColumnStatistics, dtype: str, places: Array) -> Array:
    if dtype == "bool" and column.numeric is not None:
        return places >= 1.0 - column.numeric.mean
    # Times and numbers with a fraction have no vocabulary; whole numbers have one while they are few.
    if column.vocabulary is not None and column.vocabulary.values:
        texts = _of_vocabulary(column.vocabulary, places)
        return texts if dtype == "string" else _numbers(texts, dtype)
    numbers = _of_quantiles(column, places)
    if dtype != "string":
        return numbers.astype(dtype if dtype != "bfloat16" else "float32")
    found = np.empty(len(numbers), object)
    form = _TIMES.get(column.type)
    found[:] = [_text(number, form, column.type) for number in numbers.tolist()]
    return found


def _numbers(texts: Array, dtype: str) -> Array:
    values = [_BOOLEANS[text] if text in _BOOLEANS else float(text) for text in texts]
    return np.array(values).astype(dtype if dtype != "bfloat16" else "float32")


def _of_vocabulary(vocabulary: Vocabulary, places: Array) -> Array:
    """The values that are not listed are left out: nobody knows which they are."""
    below = np.cumsum([value.count for value in vocabulary.values])
    chosen = np.minimum(np.searchsorted(below, places * below[-1], side="right"), len(below) - 1)
    texts = np.empty(len(below), object)
    texts[:] = [value.value for value in vocabulary.values]
    found: Array = texts[chosen]
    return found


def _of_quantiles(column: ColumnStatistics, places: Array) -> Array:
    quantiles: Array = np.array(column.numeric.quantiles if column.numeric else (0.0,))
    ranks = places * QUANTILES
    if column.type is ColumnType.FLOAT:
        return np.asarray(np.interp(ranks, np.arange(len(quantiles)), quantiles))
    # Between two whole numbers, or days, there is nothing; of very many different ones the quantiles are between them.
    return np.asarray(np.rint(quantiles[np.ceil(ranks).astype(int)]))


def _text(number: float, form: str | None, kind: ColumnType) -> str:
    if form is not None:
        return (_EPOCH + timedelta(seconds=int(number))).strftime(form)
    return f"{number:.0f}" if kind is ColumnType.INTEGER else f"{number:.9g}"
