"""Values that a model may be asked about: what was usual where it was trained."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from mlmagic.spec import codec
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.model import Signature, TensorSpec
from mlmagic.spec.statistics import ColumnStatistics, DatasetStatistics, SplitStatistics

_OFTEN = 5
"""A value of fewer rows may tell of somebody, and whoever asks an endpoint how it is asked sees it."""
_LONGEST = 60
_LARGEST = {"int32": 2**31 - 1, "int64": 2**63 - 1}
_FLOATS = frozenset({"float32", "float64"})
_SCALAR = frozenset({(), (1,)})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORMS = {ColumnType.DATE: "%Y-%m-%d", ColumnType.TIMESTAMP: "%Y-%m-%d %H:%M:%S UTC"}

Example = str | bool | int | float


def with_examples(signature: Signature | None, statistics: bytes | None) -> Signature | None:
    """Return the signature with a usual value for each input that is a column of the training rows.

    Args:
        signature: the version's.
        statistics: the file, as it is.
    """
    if signature is None or statistics is None:
        return signature
    try:
        known = codec.loads(DatasetStatistics, statistics).splits.get("train")
    except codec.DecodeError:
        return signature
    if known is None:
        return signature
    inputs = tuple(dataclasses.replace(spec, example=_example(spec, known)) for spec in signature.inputs)
    return dataclasses.replace(signature, inputs=inputs)


def _example(spec: TensorSpec, known: SplitStatistics) -> Example | None:
    column = known.column(spec.name)
    if column is None or spec.shape[1:] not in _SCALAR:
        return None
    if spec.dtype == "string":
        return _most_frequent(column) if column.type is ColumnType.STRING else _time(column)
    if column.numeric is None or column.type in _FORMS:
        return None
    median = _median(column)
    if spec.dtype == "bool":
        return median >= 1
    if spec.dtype in _FLOATS:
        return float(f"{median:.6g}")
    return _whole(column, median, _LARGEST.get(spec.dtype, 0))


def _whole(column: ColumnStatistics, median: float, largest: int) -> int | None:
    common = _most_frequent(column) if column.type is ColumnType.INTEGER else None
    value = round(median) if common is None else int(common)
    return value if abs(value) <= largest else None


def _most_frequent(column: ColumnStatistics) -> str | None:
    if column.vocabulary is None or not column.vocabulary.values:
        return None
    first = column.vocabulary.values[0]
    return first.value if first.count >= _OFTEN and len(first.value) <= _LONGEST else None


def _time(column: ColumnStatistics) -> str | None:
    if column.numeric is None or column.type not in _FORMS:
        return None
    seconds = int(_median(column))
    return (_EPOCH + timedelta(seconds=seconds)).strftime(_FORMS[column.type])


def _median(column: ColumnStatistics) -> float:
    quantiles = column.numeric.quantiles if column.numeric else (0.0,)
    return quantiles[len(quantiles) // 2]
