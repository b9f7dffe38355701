"""A model's outputs to a DataFrame with a row for each instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlmagic.errors import PredictionError

if TYPE_CHECKING:
    import pandas as pd

ANONYMOUS = "output_0"
"""What Keras calls an output that the user gave no name."""
PREDICTION = "prediction"


def to_frame(
    outputs: Mapping[str, Any],
    *,
    count: int,
    index: Any,
    label: str,
    classes: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Return the outputs as columns: `prediction`, or the outputs' own names.

    A vector becomes a column for each number: `prediction_late` and so on where `classes` has what they are called, by
    output, else `prediction_0` and so on.

    Raises:
        PredictionError: an output does not have one value for each instance.
    """
    import pandas as pd

    columns: dict[str, Any] = {}
    for name, output in outputs.items():
        size = len(output) if getattr(output, "ndim", 1) else None
        if size != count:
            told = "one value" if size is None else f"{size} values"
            raise PredictionError(f"the output {name!r} of {label} has {told} for {count} instances.")
        named = PREDICTION if list(outputs) == [ANONYMOUS] else name
        columns |= _columns(named, output, (classes or {}).get(name, ()))
    return pd.DataFrame(columns, index=pd.RangeIndex(count) if index is None else index)


def vector_names(name: str, size: int, classes: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the columns of an output with several numbers for each instance."""
    return tuple(f"{name}_{each}" for each in (classes if len(classes) == size else range(size)))


def with_gaps(values: Any) -> Any:
    """Return what a model handed on, with None where a whole number was missing."""
    from mlmagic.serving.values import missing_value

    if isinstance(values, list) or values.dtype.kind not in "iu" or values.ndim != 1:
        return values
    stand_in = missing_value(str(values.dtype))
    return [None if value == stand_in else value for value in values.tolist()] if stand_in in values else values


def _columns(name: str, output: Any, classes: Sequence[str]) -> dict[str, Any]:
    if isinstance(output, list):
        return {name: _cells(output)}
    if output.ndim == 1:
        return {name: _values(output)}
    if output.ndim == 2:
        if output.shape[1] == 1:
            return {name: _values(output[:, 0])}
        return {each: _values(output[:, i]) for i, each in enumerate(vector_names(name, output.shape[1], classes))}
    return {name: _cells([item.tolist() for item in output])}


def _values(column: Any) -> Any:
    return _cells([_text(value) for value in column]) if column.dtype == object else column


def _cells(items: list[Any]) -> Any:
    """An array of objects: pandas would take a list of lists for a table."""
    import numpy as np

    cells = np.empty(len(items), dtype=object)
    cells[:] = items
    return cells


def _text(value: bytes) -> str | bytes:
    """Text as text; bytes that are not stay bytes."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
