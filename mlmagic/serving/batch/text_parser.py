"""Columns that were read as text, as the values that the model takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlmagic.preprocessing.reading.batch import told
from mlmagic.preprocessing.reading.convert import Mask, convert
from mlmagic.preprocessing.reading.rejections import Fault
from mlmagic.spec.dataset import ColumnType


class TextParser:
    """Parses some columns, and leaves the others. It takes what reading them as these types takes, and no more."""

    def __init__(self, types: Mapping[str, ColumnType], null_values: Sequence[str]) -> None:
        self._types = types
        self._missing = pa.array(null_values, pa.string())

    def parse(self, batch: pa.RecordBatch, faults: dict[int, Fault]) -> pa.RecordBatch:
        """Return the batch with values in place of texts.

        A text that is no such value becomes null, and is noted in `faults` under the number of its row.
        """
        for index, name in enumerate(batch.schema.names):
            if (kind := self._types.get(name)) is None:
                continue
            texts = batch.column(index)
            values, bad = self._values(texts, kind)
            for row in [] if bad is None else np.flatnonzero(bad).tolist():
                faults.setdefault(row, told(name, texts[row].as_py(), kind))
            batch = batch.set_column(index, name, values)
        return batch

    def _values(self, texts: pa.Array, kind: ColumnType) -> tuple[pa.Array, Mask | None]:
        values, bad = convert(texts, kind)
        if bad is None and not (kind is ColumnType.FLOAT and pc.any(pc.is_nan(values)).as_py()):
            return values, None
        # Quoted, what stands for a missing value is a text at first.
        kept = pc.if_else(pc.is_in(texts, self._missing), pa.scalar(None, pa.string()), texts)
        return convert(kept, kind)
