"""Rows of a file to the arrays that a model takes; rows that do not fit are told apart, each with the reason."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlmagic.errors import PredictionError, UsageError, nearest
from mlmagic.preprocessing.reading.rejections import Fault
from mlmagic.serving.batch.text_parser import TextParser
from mlmagic.serving.columns import to_array
from mlmagic.serving.frame_columns import handed_on_inputs
from mlmagic.serving.problems import Problems, describe_inputs
from mlmagic.serving.values import integer_range, missing_value
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.model import Signature, TensorSpec

Array = np.ndarray[Any, Any]
_ISO = "%Y-%m-%dT%H:%M:%S"
_MISSING: Fault = ("missing", "missing, and the model takes no missing values")
_SHOWN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInput:
    """An input of the model and the columns that it is made of."""

    spec: TensorSpec
    columns: tuple[str, ...]
    """One as a rule; all of the file's, in their order, for a model that takes one vector; none for a column that the
    model only hands on, and that the file does not have."""

    @property
    def is_scalar(self) -> bool:
        """Whether each row has one value."""
        return self.spec.shape[1:] in {(), (1,)}

    @property
    def is_vector(self) -> bool:
        """Whether several columns make one input."""
        return len(self.columns) > 1

    @property
    def type(self) -> ColumnType:
        """What its columns are read as. Values of several dimensions are text that holds JSON."""
        if not self.is_scalar and not self.is_vector:
            return ColumnType.STRING
        dtype = self.spec.dtype
        if dtype.startswith(("float", "bfloat")):
            return ColumnType.FLOAT
        if "int" in dtype:
            return ColumnType.INTEGER
        return ColumnType.BOOLEAN if dtype == "bool" else ColumnType.STRING


def match_columns(signature: Signature, names: Sequence[str]) -> tuple[ModelInput, ...]:
    """Return which columns make which input.

    Raises:
        UsageError: columns that the model takes are missing; all of them.
    """
    missing = [spec for spec in signature.inputs if spec.name not in names]
    if missing and len(signature.inputs) == 1 and len(missing[0].shape) == 2 and missing[0].shape[1] != 1:
        return (_vector(missing[0], names),)
    handed_on = handed_on_inputs(signature)
    problems = [
        f"column {spec.name} is missing. {nearest(spec.name, names)}".rstrip()
        for spec in missing
        if spec.name not in handed_on
    ]
    if problems:
        told = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        raise UsageError(
            "The input does not have what the model takes.",
            problems=problems,
            hint=f"It has {told}; the model takes {describe_inputs(signature)}.",
        )
    return tuple(ModelInput(spec=spec, columns=(spec.name,) if spec.name in names else ()) for spec in signature.inputs)


def _vector(spec: TensorSpec, names: Sequence[str]) -> ModelInput:
    width = spec.shape[1]
    if width not in {None, len(names)}:
        raise UsageError(
            f"The model takes one vector of {width} values, so {width} columns in their order, but the input has "
            f"{len(names)} columns, and none called {spec.name}."
        )
    return ModelInput(spec=spec, columns=tuple(names))


@dataclass(frozen=True, slots=True)
class Fitting:
    """Rows of a batch, as the model takes them."""

    rows: pa.RecordBatch
    """Those that fit."""
    columns: Mapping[str, Array]
    faults: Mapping[int, Fault]
    """What is wrong with the others, by their number in the batch."""


def fit(batch: pa.RecordBatch, inputs: Sequence[ModelInput], parser: TextParser) -> Fitting:
    """Make the arrays of a batch."""
    faults: dict[int, Fault] = {}
    values = parser.parse(batch, faults)
    columns = {model_input.spec.name: _to_input(values, model_input, faults) for model_input in inputs}
    if not faults:
        return Fitting(batch, columns, faults)
    good = np.ones(batch.num_rows, bool)
    good[list(faults)] = False
    kept = {name: column[good] for name, column in columns.items()}
    return Fitting(batch.filter(pa.array(good)), kept, dict(sorted(faults.items())))


def _to_input(batch: pa.RecordBatch, model_input: ModelInput, faults: dict[int, Fault]) -> Array:
    spec = model_input.spec
    if not model_input.columns:
        return _filled(batch.num_rows, spec)
    if model_input.is_vector:
        return np.column_stack([_scalars(batch.column(name), spec, name, faults) for name in model_input.columns])
    column = batch.column(model_input.columns[0])
    if not model_input.is_scalar:
        return _tensors(column, spec, faults)
    values = _scalars(column, spec, spec.name, faults)
    return values.reshape(-1, 1) if spec.shape[1:] == (1,) else values


def _filled(count: int, spec: TensorSpec) -> Array:
    dtype = object if spec.dtype == "string" else spec.dtype
    return np.full((count, *(size or 1 for size in spec.shape[1:])), missing_value(spec.dtype), dtype)


def _scalars(column: pa.Array, spec: TensorSpec, name: str, faults: dict[int, Fault]) -> Array:
    if column.null_count and not spec.optional:
        _note(faults, name, column.is_null().to_numpy(zero_copy_only=False), _MISSING)
    if spec.dtype == "string":
        return _texts(column)
    if spec.dtype == "bool":
        return np.asarray(pc.fill_null(column, fill_value=False).to_numpy(zero_copy_only=False))
    return _floats(column, spec, name, faults) if "int" not in spec.dtype else _integers(column, spec, name, faults)


def _texts(column: pa.Array) -> Array:
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        column = pc.strftime(column, _ISO) if pa.types.is_timestamp(column.type) else column.cast(pa.string())
    elif not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    column = pc.fill_null(column, "")
    # Few values that come again and again are made into Python's objects once.
    encoded = column[:1024].dictionary_encode()
    if len(encoded.dictionary) * 4 <= len(encoded):
        encoded = column.dictionary_encode()
        return np.asarray(_objects(encoded.dictionary)[encoded.indices.to_numpy()])
    return _objects(column)


def _objects(texts: pa.Array) -> Array:
    return np.asarray(texts.cast(pa.binary()).to_numpy(zero_copy_only=False))


def _floats(column: pa.Array, spec: TensorSpec, name: str, faults: dict[int, Fault]) -> Array:
    # numpy has no bfloat16: such a column travels as float32.
    dtype = np.dtype("float32" if spec.dtype == "bfloat16" else spec.dtype)
    values = column.to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):
        narrow = values.astype(dtype, copy=False)
    if dtype.itemsize < 8:
        beyond = np.isinf(narrow)
        if beyond.any():
            _note(faults, name, beyond & np.isfinite(values), (f"out of the range of {spec.dtype}",) * 2, column)
    return np.asarray(narrow)


def _integers(column: pa.Array, spec: TensorSpec, name: str, faults: dict[int, Fault]) -> Array:
    low, high = integer_range(spec.dtype)
    if (low, high) != (-(2**63), 2**63 - 1) and len(column) > column.null_count:
        extremes = pc.min_max(column).as_py()
        if extremes["min"] < low or extremes["max"] > high:
            # No column has more than 63 bits of a positive number.
            outside = pc.or_(pc.less(column, low), pc.greater(column, min(high, 2**63 - 1)))
            beyond = pc.fill_null(outside, fill_value=False).to_numpy(zero_copy_only=False)
            _note(faults, name, beyond, (f"out of the range of {spec.dtype}",) * 2, column)
            column = pc.if_else(pa.array(beyond), pa.scalar(0, column.type), column)
    # The smallest number of the dtype, which may not fit the column's, stands for a missing one.
    filled = pc.fill_null(column, 0).to_numpy(zero_copy_only=False).astype(spec.dtype)
    if column.null_count:
        filled = filled.copy()
        filled[column.is_null().to_numpy(zero_copy_only=False)] = missing_value(spec.dtype)
    return np.asarray(filled)


def _note(faults: dict[int, Fault], name: str, mask: Array, fault: Fault, column: pa.Array | None = None) -> None:
    for row in np.flatnonzero(mask).tolist():
        value = "" if column is None else f"{column[row].as_py()} is "
        faults.setdefault(row, (f"{name}: {fault[0]}", f"{name}: {value}{fault[1]}"))


def _tensors(column: pa.Array, spec: TensorSpec, faults: dict[int, Fault]) -> Array:
    """Arrays written as JSON, a text for each row."""
    items: list[Any] = []
    stand_in = _zeros(spec)
    for row, text in enumerate(column.to_pylist()):
        value, fault = _tensor(text, spec)
        if fault is not None:
            faults.setdefault(row, (f"{spec.name}: {fault[0]}", f"{spec.name}: {fault[1]}"))
        items.append(stand_in if value is None else value)
    shapes = {item.shape for row, item in enumerate(items) if row not in faults}
    if len(shapes) > 1:
        first = next(item.shape for row, item in enumerate(items) if row not in faults)
        told = f"its shape is not {list(first)}, that of the rows before"
        for row, item in enumerate(items):
            if item.shape != first:
                faults.setdefault(row, (f"{spec.name}: its shape is another", f"{spec.name}: {told}"))
        shapes = {first}
    shape = shapes.pop() if shapes else stand_in.shape
    blank = np.zeros(shape, stand_in.dtype)
    fitting = [blank if row in faults or item.shape != shape else item for row, item in enumerate(items)]
    return np.stack(fitting) if fitting else np.zeros((0, *shape), stand_in.dtype)


def _tensor(text: str | None, spec: TensorSpec) -> tuple[Array | None, Fault | None]:
    if text is None:
        return None, _MISSING
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None, ("no array in JSON",) * 2
    problems = Problems()
    array = to_array([value], spec, lambda _: "", problems)
    if array is not None:
        return array[0], None
    try:
        problems.finish(spec.name, Signature())
    except PredictionError as error:
        told = error.problems[0].removeprefix(": ")
    return None, ("does not fit", told)


def _zeros(spec: TensorSpec) -> Array:
    dtype = {"string": object, "bfloat16": "float32"}.get(spec.dtype, spec.dtype)
    return np.zeros(tuple(size or 0 for size in spec.shape[1:]), dtype)
