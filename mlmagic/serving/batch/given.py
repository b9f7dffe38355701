"""What a model returns as columns of the output."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from mlmagic.errors import PredictionError
from mlmagic.preprocessing.reading.options import Format
from mlmagic.serving.batch.naming import is_nested, output_names
from mlmagic.spec.model import ModelVersion, Signature, TensorSpec

_BYTES = "_bytes"
"""How the names of outputs end that hold bytes, not text: they are written as base64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An output of the model, and the columns that it becomes."""

    spec: TensorSpec
    names: tuple[str, ...]
    """One for each number of a vector; only one for a single value, or for one of more dimensions."""
    is_nested: bool = False
    """Each row has a list."""

    def arrow_type(self, kind: Format) -> pa.DataType:
        """Return what its columns hold."""
        if self.is_nested and kind is not Format.PARQUET:
            return pa.string()  # JSON
        flat = _ARROW.get(self.spec.dtype) or pa.from_numpy_dtype(np.dtype(self.spec.dtype))
        for _ in self.spec.shape[1:] if self.is_nested else ():
            flat = pa.list_(flat)
        return flat


_ARROW = {"string": pa.string(), "bfloat16": pa.float32(), "float16": pa.float32(), "half": pa.float32()}


def given_columns(version: ModelVersion, signature: Signature) -> tuple[Given, ...]:
    """Return the columns that predictions become."""
    names = output_names(version, signature)
    specs = [spec for spec in signature.outputs if spec.name in names]
    return tuple(Given(spec=spec, names=names[spec.name], is_nested=is_nested(spec)) for spec in specs)


def prediction_names(columns: Sequence[Given]) -> tuple[str, ...]:
    """Return the names of the columns."""
    return tuple(name for column in columns for name in column.names)


def to_columns(outputs: Mapping[str, Any], given: Sequence[Given], count: int, kind: Format) -> dict[str, pa.Array]:
    """Return the columns by name.

    Raises:
        PredictionError: an output is missing, or does not have one value for each row.
    """
    columns: dict[str, pa.Array] = {}
    for each in given:
        if each.spec.name not in outputs:
            raise PredictionError(f"the model did not return its output {each.spec.name!r}.")
        output = outputs[each.spec.name]
        size = len(output) if getattr(output, "ndim", 1) else None
        if size != count:
            told = "one value" if size is None else f"{size} values"
            raise PredictionError(f"the output {each.spec.name!r} of the model has {told} for {count} rows.")
        columns |= _columns(output, each, kind)
    return columns


def _columns(output: Any, given: Given, kind: Format) -> dict[str, pa.Array]:
    arrow_type = given.arrow_type(kind)
    if given.is_nested:
        rows = _plain(output if isinstance(output, list) else output.tolist(), given.spec.name)
        texts = rows if kind is Format.PARQUET else [json.dumps(row, ensure_ascii=False) for row in rows]
        return {given.names[0]: pa.array(texts, arrow_type)}
    block = np.asarray(output).reshape(len(output), -1)
    if block.shape[1] != len(given.names) and len(output):
        raise PredictionError(
            f"the output {given.spec.name!r} of the model has {block.shape[1]} numbers for each row, not "
            f"{len(given.names)} as its signature says."
        )
    return {name: _array(block[:, place], given, arrow_type) for place, name in enumerate(given.names)}


def _array(values: Any, given: Given, arrow_type: pa.DataType) -> pa.Array:
    if values.dtype == object:
        return pa.array(_plain(values.tolist(), given.spec.name), arrow_type)
    array = pa.array(np.ascontiguousarray(values))
    return array if array.type == arrow_type else array.cast(arrow_type)


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_plain(item, name) for item in value]
    if not isinstance(value, bytes):
        return value
    return base64.b64encode(value).decode() if name.endswith(_BYTES) else value.decode("utf-8", "replace")
