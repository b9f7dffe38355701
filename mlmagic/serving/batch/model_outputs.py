"""What a model returns as columns of the output."""

from __future__ import annotations

import base64
import json
import math
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
class ModelOutput:
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


def model_outputs(version: ModelVersion, signature: Signature) -> tuple[ModelOutput, ...]:
    """Return the outputs that are predictions, not inputs handed on, with the columns that they become."""
    names = output_names(version, signature)
    specs = [spec for spec in signature.outputs if spec.name in names]
    return tuple(ModelOutput(spec=spec, names=names[spec.name], is_nested=is_nested(spec)) for spec in specs)


def prediction_names(columns: Sequence[ModelOutput]) -> tuple[str, ...]:
    """Return the names of the columns."""
    return tuple(name for column in columns for name in column.names)


def to_columns(
    answers: Mapping[str, Any], outputs: Sequence[ModelOutput], count: int, kind: Format
) -> dict[str, pa.Array]:
    """Return the columns by name.

    Raises:
        PredictionError: an output is missing, or does not have one value for each row.
    """
    columns: dict[str, pa.Array] = {}
    for each in outputs:
        if each.spec.name not in answers:
            raise PredictionError(f"the model did not return its output {each.spec.name!r}.")
        answer = answers[each.spec.name]
        size = len(answer) if getattr(answer, "ndim", 1) else None
        if size != count:
            told = "one value" if size is None else f"{size} values"
            raise PredictionError(f"the output {each.spec.name!r} of the model has {told} for {count} rows.")
        columns |= _columns(answer, each, kind)
    return columns


def _columns(answer: Any, output: ModelOutput, kind: Format) -> dict[str, pa.Array]:
    arrow_type = output.arrow_type(kind)
    if output.is_nested:
        rows = _plain(answer if isinstance(answer, list) else answer.tolist(), output.spec.name)
        texts = rows if kind is Format.PARQUET else [_json(row) for row in rows]
        return {output.names[0]: pa.array(texts, arrow_type)}
    block = np.asarray(answer).reshape(len(answer), -1)
    if block.shape[1] != len(output.names) and len(answer):
        raise PredictionError(
            f"the output {output.spec.name!r} of the model has {block.shape[1]} numbers for each row, not "
            f"{len(output.names)} as its signature says."
        )
    return {name: _array(block[:, place], output, arrow_type) for place, name in enumerate(output.names)}


def _array(values: Any, output: ModelOutput, arrow_type: pa.DataType) -> pa.Array:
    if values.dtype == object:
        return pa.array(_plain(values.tolist(), output.spec.name), arrow_type)
    array = pa.array(np.ascontiguousarray(values))
    return array if array.type == arrow_type else array.cast(arrow_type)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False)


def _finite(value: Any) -> Any:
    """Return the value with null for what JSON has no number for, as an endpoint answers too."""
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_plain(item, name) for item in value]
    if not isinstance(value, bytes):
        return value
    return base64.b64encode(value).decode() if name.endswith(_BYTES) else value.decode("utf-8", "replace")
