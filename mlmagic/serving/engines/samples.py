"""Rows to try a model with: such as it was trained on, as far as that is known, and odd ones."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from mlmagic.serving.engines.base import Array
from mlmagic.serving.values import integer_range, missing_value
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.model import Signature, TensorSpec
from mlmagic.spec.statistics import ColumnStatistics, SplitStatistics

SIZES = (1, 3, 64, 257)
"""Of the batches, each of which has another spread of numbers and, where any goes, other sizes of tensors."""
_SPREADS = (1.0, 255.0, 1000.0, 10.0)
_FREE_SIZES = (4, 1, 9, 2)
_ODD_ROWS = 96
_MISSING_PART = 0.15
_LARGEST_BATCH = 1 << 22
"""In numbers of an input; of large images there are fewer rows."""
_MOST_MADE = 1 << 15
_LISTED = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_ODD_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-30, 1e6, -1e6, 123456.789)
_ODD_TEXTS = ("", " ", "unknown", "Ünïcødé 東京", "b'x'", "NaN", "a\0b", '"quoted"', "x" * 500, "0", "-1", "[UNK]")
_TRUE = (True, False)

Maker = Callable[[], Any]


class Sampler:
    """Makes columns for a signature, the same ones each time.

    Args:
        signature: the version's, which knows what is optional.
        statistics: of what it was trained on.
        words: what it looks up, for inputs without statistics.
    """

    def __init__(self, signature: Signature, statistics: SplitStatistics | None, words: Sequence[str]) -> None:
        self.natural = len(SIZES) if statistics is not None else 1
        """How many of the first batches have numbers of a size that the model can be taken to be made for."""
        self._inputs = signature.inputs
        self._statistics = statistics
        self._words = [*words[:_LISTED], *_ODD_TEXTS]
        self._random = random.Random(0)  # noqa: S311 - samples, not secrets

    def batches(self) -> Iterator[dict[str, Array]]:
        """Yield batches of rows as they may come."""
        for size, spread, free in zip(SIZES, _SPREADS, _FREE_SIZES, strict=True):
            yield {spec.name: self._column(spec, size, free, self._usual(spec, spread)) for spec in self._inputs}

    def odd_batch(self) -> dict[str, Array]:
        """Return rows of values that nobody expects."""
        return {spec.name: self._column(spec, _ODD_ROWS, 3, self._odd(spec)) for spec in self._inputs}

    def _column(self, spec: TensorSpec, rows: int, free: int, make: Maker) -> Array:
        item = [free if size is None else size for size in spec.shape[1:]]
        rows = max(1, min(rows, _LARGEST_BATCH // max(1, self._largest_item(free))))
        count = rows * math.prod(item)
        # Of a large tensor the numbers come again: making them takes longer than computing with them.
        made = [make() for _ in range(min(count, _MOST_MADE))]
        column = np.empty(len(made), dtype=object)
        column[:] = made
        typed = column if spec.dtype == "string" else np.array(made, spec.dtype)
        return np.resize(typed, (rows, *item))

    def _largest_item(self, free: int) -> int:
        return max(math.prod(free if size is None else size for size in spec.shape[1:]) for spec in self._inputs)

    def _usual(self, spec: TensorSpec, spread: float) -> Maker:
        known = self._statistics.column(spec.name) if self._statistics else None
        make = (known and _maker_of(known, spec.dtype, self._random)) or self._unknown(spec, spread)
        if not spec.optional:
            return make
        missing = missing_value(spec.dtype)
        return lambda: missing if self._random.random() < _MISSING_PART else make()

    def _unknown(self, spec: TensorSpec, spread: float) -> Maker:
        if spec.dtype == "string":
            return lambda: self._random.choice(self._words)
        if spec.dtype == "bool":
            return lambda: self._random.choice(_TRUE)
        if "int" in spec.dtype:
            low, high = integer_range(spec.dtype)
            # Whole numbers are mostly ids, and of those there may be few.
            return lambda: min(high, max(low, int(abs(self._random.gauss(0, spread / 10)))))
        return lambda: self._random.gauss(0, spread)

    def _odd(self, spec: TensorSpec) -> Maker:
        if spec.dtype == "string":
            return lambda: self._random.choice(_ODD_TEXTS)
        if "int" in spec.dtype:
            low, high = integer_range(spec.dtype)
            values = [0, 1, 2, high, high // 2, low, max(low, -1)]
            return lambda: self._random.choice(values)
        if spec.dtype == "bool":
            return lambda: self._random.choice(_TRUE)
        odd = [value for value in _ODD_FLOATS if abs(value) <= float(np.finfo(spec.dtype).max)]
        floats = [*odd, float("nan"), float("inf"), float("-inf")] if spec.optional else odd
        return lambda: self._random.choice(floats)


def _maker_of(known: ColumnStatistics, dtype: str, chance: random.Random) -> Maker | None:
    """Return what makes values of a column; None if nothing is known that its input could take."""
    if dtype == "string" and known.vocabulary is not None and known.type is ColumnType.STRING:
        listed = [value.value for value in known.vocabulary.values[:_LISTED]]
        return lambda: (
            chance.choice([*listed, *_ODD_TEXTS]) if chance.random() < _MISSING_PART else chance.choice(listed)
        )
    if known.numeric is None:
        return None
    quantiles = known.numeric.quantiles
    if dtype == "string":
        if known.type not in {ColumnType.TIMESTAMP, ColumnType.DATE}:
            return None
        form = "%Y-%m-%d" if known.type is ColumnType.DATE else "%Y-%m-%d %H:%M:%S UTC"
        return lambda: (_EPOCH + timedelta(seconds=chance.choice(quantiles))).strftime(form)
    if "int" in dtype:
        low, high = integer_range(dtype)
        return lambda: min(high, max(low, round(chance.choice(quantiles))))
    if dtype == "bool":
        return lambda: bool(chance.choice(quantiles))
    return lambda: chance.choice(quantiles) * chance.choice((1.0, 1.0, 0.99))
