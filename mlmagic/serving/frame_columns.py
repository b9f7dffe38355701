"""The columns of a DataFrame that a model takes, as numpy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlmagic.errors import nearest
from mlmagic.serving.columns import Path, to_array
from mlmagic.serving.problems import Problems
from mlmagic.spec.model import Signature, TensorSpec

if TYPE_CHECKING:
    import pandas as pd


def frame_columns(frame: pd.DataFrame, signature: Signature, problems: Problems) -> dict[str, Any]:
    """Return the values for each input by name; notes columns that are missing. Other columns are left out."""
    handed_on = handed_on_inputs(signature)
    missing = [spec.name for spec in signature.inputs if spec.name not in frame.columns]
    if (
        missing
        and len(signature.inputs) == 1
        and len(signature.inputs[0].shape) == 2
        and signature.inputs[0].shape[1] != 1
    ):
        return _vector(frame, signature.inputs[0], problems)
    if frame.columns.nlevels > 1:
        problems.add(f"the columns have {frame.columns.nlevels} levels of names; give them one: data.columns = [...]")
        return {}
    found: dict[str, Any] = {}
    for name in missing:
        if name in handed_on:
            found[name] = [None] * len(frame)
            continue
        hint = nearest(name, map(str, frame.columns))
        problems.add(f"column {name!r} is missing. {hint}".rstrip())
    for spec in signature.inputs:
        if spec.name in missing:
            continue
        column: Any = frame[spec.name]
        if column.ndim > 1:
            problems.add(f"column {spec.name!r} is there {column.shape[1]} times")
        else:
            found[spec.name] = series_values(column, spec.dtype)
    return found


def handed_on_inputs(signature: Signature) -> frozenset[str]:
    """Return the optional inputs that the model only hands on, such as the key of a row: they may be left out."""
    outputs = {spec.name for spec in signature.outputs}
    return frozenset(spec.name for spec in signature.inputs if spec.optional and spec.name in outputs)


def _vector(frame: pd.DataFrame, spec: TensorSpec, problems: Problems) -> dict[str, Any]:
    """The frame's columns, in their order, as the one vector that the model takes."""
    import numpy as np

    width = spec.shape[1]
    if width not in {None, len(frame.columns)}:
        problems.add(
            f"the model takes one vector of {width} values, so {width} columns in their order,"
            f" but the data has {len(frame.columns)}; choose them: data[[...]]"
        )
        return {}
    scalar = TensorSpec(name=spec.name, dtype=spec.dtype, shape=(None,))
    columns = []
    for position, name in enumerate(frame.columns):
        values = series_values(frame.iloc[:, position], spec.dtype)
        columns.append(to_array(values, scalar, row_path(str(name)), problems, is_frame=True))
    found = [column for column in columns if column is not None]
    return {spec.name: np.column_stack(found)} if len(found) == len(columns) and found else {}


def series_values(series: pd.Series[Any], dtype: str) -> Any:
    """Return a column as an array: typed where pandas has it so, of Python's own objects otherwise."""
    import numpy as np
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype | pd.SparseDtype):
        series = pd.Series(np.asarray(series))
    if isinstance(series.dtype, pd.DatetimeTZDtype) or series.dtype.kind in "mM":
        return series.astype(object).to_numpy()
    if isinstance(series.dtype, np.dtype) or not pd.api.types.is_numeric_dtype(series.dtype):
        return series.to_numpy()
    # Nullable numbers: without a missing value they are plain ones, with one only floats can say so.
    if not series.isna().any():
        return series.to_numpy(dtype=series.dtype.numpy_dtype)  # type: ignore[attr-defined]
    is_float = dtype.startswith(("float", "bfloat"))
    return series.to_numpy(dtype="float64", na_value=np.nan) if is_float else series.to_numpy(dtype=object)


def row_path(name: str) -> Path:
    """What errors call the value of a column in a row."""
    return lambda i: f"instances[{i}].{name}"
