"""The model, asked in parts; a row that it fails on costs its neighbours nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from mlmagic.errors import PredictionError
from mlmagic.preprocessing.reading.options import Format
from mlmagic.preprocessing.reading.rejections import Fault
from mlmagic.serving.batch.model_outputs import ModelOutput, to_columns
from mlmagic.serving.engines.base import Engine
from mlmagic.serving.engines.failures import failure_line
from mlmagic.spec.model import Signature

Array = np.ndarray[Any, Any]
_PART_ROWS = 8192
_PART_BYTES = 1 << 24
"""Large enough that the cost of a call does not count, small enough that a network's activations fit in memory."""
FAILED = "the model failed"
"""The reason of a row that it fails on."""
_MOST_FAILURES = 100
"""Of a part, after which it is the model that is at fault, not its rows."""


class Asker:
    """Asks one engine. Safe to use from several threads."""

    def __init__(self, engine: Engine, signature: Signature, outputs: Sequence[ModelOutput], kind: Format) -> None:
        self._engine = engine
        self._outputs = outputs
        self._kind = kind
        self._batch = next((spec.shape[0] for spec in signature.inputs if spec.shape and spec.shape[0]), None)
        """How many rows a model takes that takes only so many at a time."""

    def ask(self, columns: Mapping[str, Array], count: int) -> tuple[dict[str, pa.ChunkedArray], dict[int, Fault]]:
        """Return the predictions for the rows, without those that the model fails on; and what it says of these.

        Raises:
            PredictionError: the model fails on very many, or does not return what its signature says.
        """
        parts: list[dict[str, pa.Array]] = []
        faults: dict[int, Fault] = {}
        size = self._batch or part_rows(columns, count)
        for start in range(0, count, size):
            self._ask(columns, start, min(start + size, count), parts, faults, most=len(faults) + _MOST_FAILURES)
        types = {name: each.arrow_type(self._kind) for each in self._outputs for name in each.names}
        return {
            name: pa.chunked_array([part[name] for part in parts], arrow_type) for name, arrow_type in types.items()
        }, faults

    def _ask(
        self,
        columns: Mapping[str, Array],
        start: int,
        stop: int,
        parts: list[dict[str, pa.Array]],
        faults: dict[int, Fault],
        *,
        most: int,
    ) -> None:
        try:
            outputs = self._run(columns, start, stop)
        except Exception as error:
            if stop - start > 1:
                middle = (start + stop) // 2
                self._ask(columns, start, middle, parts, faults, most=most)
                self._ask(columns, middle, stop, parts, faults, most=most)
                return
            if len(faults) >= most:
                raise PredictionError(f"the model fails: {failure_line(error)}") from error
            faults[start] = (FAILED, f"{FAILED}: {failure_line(error)}")
        else:
            parts.append(to_columns(outputs, self._outputs, stop - start, self._kind))

    def _run(self, columns: Mapping[str, Array], start: int, stop: int) -> dict[str, Any]:
        part = {name: column[start:stop] for name, column in columns.items()}
        count = stop - start
        if self._batch is None or count == self._batch:
            return self._engine.run(part)
        # The last row again and again, until there are as many as it takes.
        rows = np.minimum(np.arange(self._batch), count - 1)
        outputs = self._engine.run({name: column[rows] for name, column in part.items()})
        return {name: output[:count] if getattr(output, "ndim", 1) else output for name, output in outputs.items()}


def part_rows(columns: Mapping[str, Array], count: int) -> int:
    """Return how many rows the model is asked at a time."""
    size = sum(_bytes(column) for column in columns.values())
    return max(1, min(_PART_ROWS, _PART_BYTES * max(count, 1) // max(size, 1)))


def _bytes(column: Array) -> int:
    if column.dtype != object:
        return int(column.nbytes)
    sample = column.ravel()[:256]
    return sum(map(len, sample)) * column.size // max(len(sample), 1)
