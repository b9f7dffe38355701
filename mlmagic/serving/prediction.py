"""Instances in, predictions out: what `mlmagic.predict` does once it knows the version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mlmagic.errors import MissingDependencyError
from mlmagic.serving.frame_columns import handed_on_inputs
from mlmagic.serving.pool import PredictorPool
from mlmagic.serving.results import ANONYMOUS, to_frame, with_gaps
from mlmagic.serving.rows import Rows, read_rows
from mlmagic.spec.model import ModelVersion, Signature

if TYPE_CHECKING:
    import pandas as pd

# Large enough that the cost of a call does not count, small enough that a network's activations fit in memory.
_PART_ROWS = 8192
_PART_BYTES = 1 << 24


class Answers(Protocol):
    """What `Predictor` is to this module."""

    @property
    def signature(self) -> Signature:
        """What the model takes and returns."""
        ...

    def predict(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs by name, for columns that fit the signature."""
        ...


def predict_frame(pool: PredictorPool, version: ModelVersion, folder: Path, instances: Any) -> pd.DataFrame:
    """Return a row of predictions for each instance. `folder` is the version's.

    Raises:
        PredictionError: instances that do not fit, or the model failed.
        MissingDependencyError: pandas or TensorFlow is not installed.
    """
    _need_pandas()
    with pool.lease(version, folder) as predictor:
        return predict_with(predictor, version, instances)


def predict_with(predictor: Answers, version: ModelVersion, instances: Any) -> pd.DataFrame:
    """Return a row of predictions for each instance.

    Raises:
        PredictionError: instances that do not fit, or the model failed.
    """
    label = str(version)
    # What was noted at registration answers for bad instances before the model is loaded.
    signature = version.signature or predictor.signature
    rows = read_rows(instances, signature, label)
    outputs = predict_rows(predictor, rows, signature)
    outputs |= {name: with_gaps(outputs[name]) for name in handed_on_inputs(signature) if name in outputs}
    if version.origin.artifact == "keras" and len(outputs) == 1:
        # A `.keras` file calls its output after the last layer, `dense_7` say.
        outputs = {ANONYMOUS: next(iter(outputs.values()))}
    classes = {spec.name: spec.labels for spec in signature.outputs}
    return to_frame(outputs, count=rows.count, index=rows.index, label=label, classes=classes)


def predict_rows(predictor: Answers, rows: Rows, signature: Signature) -> dict[str, Any]:
    """Return the outputs by name. Large requests go in parts; a model of fixed batch size gets its size."""
    collected: dict[str, list[Any]] = {}
    for part, count in row_parts(rows, signature):
        for name, output in predictor.predict(part).items():
            collected.setdefault(name, []).append(output[:count] if getattr(output, "ndim", 1) else output)
    order = [tensor.name for tensor in signature.outputs if tensor.name in collected]
    return {name: _joined(collected[name]) for name in order or collected}


def row_parts(rows: Rows, signature: Signature) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Yield the columns of what is asked at a time, and how many of its rows count: the last one may be filled up."""
    batch = next((tensor.shape[0] for tensor in signature.inputs if tensor.shape and tensor.shape[0]), None)
    size = batch or _rows_of_a_part(rows)
    for start in range(0, max(rows.count, 1), size):
        count = min(size, rows.count - start)
        if batch and count < batch:
            yield {name: _filled(column[start:], batch) for name, column in rows.columns.items()}, count
        else:
            yield {name: column[start : start + count] for name, column in rows.columns.items()}, count


def _filled(column: Any, size: int) -> Any:
    import numpy as np

    if len(column) == 0:
        return np.full((size, *column.shape[1:]), "" if column.dtype == object else 0, column.dtype)
    return column[np.minimum(np.arange(size), len(column) - 1)]


def _rows_of_a_part(rows: Rows) -> int:
    size = sum(_bytes(column) for column in rows.columns.values())
    return max(1, min(_PART_ROWS, _PART_BYTES * max(rows.count, 1) // max(size, 1)))


def _bytes(column: Any) -> int:
    return sum(map(len, column.ravel())) if column.dtype == object else int(column.nbytes)


def _joined(parts: list[Any]) -> Any:
    import numpy as np

    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], list):
        return [item for part in parts for item in part]
    return np.concatenate(parts) if parts[0].ndim else parts[0]


def _need_pandas() -> None:
    from importlib.util import find_spec

    if find_spec("pandas") is None:
        raise MissingDependencyError(
            "predictions are given as a DataFrame, and pandas is not installed.",
            hint='Install it: %pip install "mlmagic[tensorflow]"',
        )
