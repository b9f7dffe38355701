"""How the tensors of a signature are fed to a graph, and how what comes out of it is put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from mlmagic.serving.engines.base import Array


@dataclass(frozen=True, slots=True)
class Fed:
    """The tensors that a column is fed to, and how they are made of it."""

    tensors: tuple[str, ...]
    split: Callable[[Array], Sequence[Array]] | None
    """None where the column is the one tensor, once it has the dtype."""
    dtype: Any


@dataclass(frozen=True, slots=True)
class Fetched:
    """The tensors that an output consists of, and how it is made of them."""

    tensors: tuple[str, ...]
    join: Callable[..., Any] | None
    """None where the output is the one tensor as it is."""


def fed(info: Any) -> Fed:
    """Return how to feed an input that a `TensorInfo` describes.

    Raises:
        ValueError: it is of a kind that no column can be fed to.
    """
    encoding = info.WhichOneof("encoding")
    if encoding == "name":
        return Fed((info.name,), None, _numpy_type(info.dtype))
    if encoding != "composite_tensor" or not _is_ragged(info):
        raise ValueError("an input is neither a tensor nor a ragged one")
    components = info.composite_tensor.components
    dtypes = [_numpy_type(part.dtype) for part in components]
    names = tuple(part.name for part in components)
    return Fed(names, lambda column: _split(column, dtypes), dtypes[0])


def fetched(info: Any) -> Fetched:
    """Return how to fetch an output that a `TensorInfo` describes."""
    encoding = info.WhichOneof("encoding")
    if encoding == "coo_sparse":
        sparse = info.coo_sparse
        names = (sparse.indices_tensor_name, sparse.values_tensor_name, sparse.dense_shape_tensor_name)
        return Fetched(names, _dense)
    if encoding == "composite_tensor":
        names = tuple(part.name for part in info.composite_tensor.components)
        return Fetched(names, _nested if _is_ragged(info) else _dense)
    return Fetched((info.name,), _widened if _is_bfloat(info.dtype) else None)


def _is_ragged(info: Any) -> bool:
    spec = info.composite_tensor.type_spec
    return bool(spec.type_spec_class == spec.RAGGED_TENSOR_SPEC)


def _numpy_type(number: int) -> Any:
    import tensorflow as tf

    return tf.dtypes.as_dtype(number).as_numpy_dtype


def _is_bfloat(number: int) -> bool:
    import tensorflow as tf

    return bool(tf.dtypes.as_dtype(number) == tf.bfloat16)


def _widened(array: Array) -> Array:
    """Numpy has no bfloat16 of its own."""
    return array.astype("float32")


def _split(column: Array, dtypes: Sequence[Any]) -> list[Array]:
    """The values of a rectangular array, and where the rows of each of its ragged dimensions end."""
    column = np.asarray(column, dtypes[0])
    ragged = len(dtypes) - 1
    splits, count = [], 1
    for dimension, dtype in enumerate(dtypes[1:]):
        count *= column.shape[dimension]
        splits.append(np.arange(count + 1, dtype=dtype) * column.shape[dimension + 1])
    return [column.reshape(-1, *column.shape[ragged + 1 :]), *splits]


def _nested(values: Array, *splits: Array) -> list[Any]:
    """Nested lists of a ragged tensor: the splits of its outermost dimension come first."""
    items = plain_lists(_widened(values) if values.dtype.name == "bfloat16" else values)
    for ends in reversed(splits):
        bounds = ends.tolist()
        items = [items[start:end] for start, end in pairwise(bounds)]
    return items


def plain_lists(array: Array) -> list[Any]:
    """Return an array as lists of Python's own values, bytes as text."""
    return _decoded(array.tolist()) if array.dtype == object else array.tolist()  # type: ignore[no-any-return]


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _dense(indices: Array, values: Array, shape: Array) -> Array:
    """An array of a sparse tensor, whose empty places are 0, or the empty text."""
    array = np.full(shape.tolist(), b"" if values.dtype == object else values.dtype.type(0), values.dtype)
    array[tuple(indices.T)] = values
    return _widened(array) if array.dtype.name == "bfloat16" else array
