"""Columns to the body of a request, and the body of an answer to outputs, as an endpoint's REST API has them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from mlmagic.errors import PredictionError
from mlmagic.serving.results import ANONYMOUS
from mlmagic.spec.model import Signature, TensorSpec


def require_finite(columns: Mapping[str, Any], signature: Signature, model: str) -> None:
    """See that all numbers can be sent to an endpoint; what is missing where it may be goes as null.

    Raises:
        PredictionError: JSON has no number for some; all columns that have such are told.
    """
    import numpy as np

    optional = {spec.name for spec in signature.inputs if spec.optional}
    problems = []
    for name, column in columns.items():
        if column.dtype.kind not in "fV" or not column.size:
            continue
        numbers = column.astype(np.float64).reshape(len(column), -1)
        bad = np.isinf(numbers) if name in optional else ~np.isfinite(numbers)
        if count := int(bad.any(axis=1).sum()):
            problems.append(f"{name} is NaN or infinite in {count:,} of {len(column):,} rows")
    if problems:
        raise PredictionError(
            f"JSON has no number for what is to be sent to the endpoint of {model}:",
            problems=problems,
            hint=f"Fill these in, leave the rows out, or ask the version itself: %predict {model} … --direct",
        )


def write_columns(columns: Mapping[str, Any], signature: Signature) -> bytes:
    """Return `{"inputs": {...}}` for columns that fit the signature. A missing value of an optional input is null."""
    optional = {tensor.name for tensor in signature.inputs if tensor.optional}
    cells = {name: _cells(column) for name, column in columns.items()}
    # JSON has no NaN. Where one is no missing value, it goes as Python writes it, and the server has its say.
    is_plain = all(name in optional or _is_finite(column) for name, column in columns.items())
    if is_plain and find_spec("orjson"):
        import orjson

        return orjson.dumps({"inputs": cells}, option=orjson.OPT_SERIALIZE_NUMPY)
    lists = {name: cell if isinstance(cell, list) else cell.tolist() for name, cell in cells.items()}
    lists |= {name: _with_null(cells) for name, cells in lists.items() if name in optional}
    return json.dumps({"inputs": lists}).encode()


def read_outputs(body: bytes, signature: Signature, label: str) -> dict[str, Any]:
    """Return the outputs by name, as arrays; those whose rows differ in length as nested lists.

    Raises:
        PredictionError: that is no answer of an endpoint.
    """
    try:
        outputs = json.loads(body)["outputs"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PredictionError(f"{label} gave an answer that is none of an endpoint: {body[:80]!r}.") from error
    return as_outputs(outputs, signature)


def as_outputs(outputs: Any, signature: Signature) -> dict[str, Any]:
    """Return the outputs of a JSON answer, as `read_outputs` does: by name, or of a single output its values alone."""
    specs = {tensor.name: tensor for tensor in signature.outputs}
    if len(specs) == 1 or not isinstance(outputs, dict):
        outputs = {next(iter(specs), ANONYMOUS): outputs}
    return {name: _array(values, specs.get(name)) for name, values in outputs.items()}


def _cells(column: Any) -> Any:
    """Return a column as orjson writes it."""
    import numpy as np

    if column.dtype == object:
        return _texts(column.tolist())
    if column.dtype.kind == "V" or column.dtype.name == "bfloat16":
        column = column.astype(np.float32)
    return np.ascontiguousarray(column)


def _texts(items: Any) -> Any:
    if isinstance(items, list):
        return [_texts(item) for item in items]
    if not isinstance(items, bytes):
        return items
    try:
        return items.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(items).decode()}


def _is_finite(column: Any) -> bool:
    import numpy as np

    return column.dtype.kind not in "fV" or bool(np.isfinite(column.astype(np.float64)).all())


def _with_null(items: Any) -> Any:
    if isinstance(items, list):
        return [_with_null(item) for item in items]
    return None if isinstance(items, float) and items != items else items  # noqa: PLR0124 - NaN alone does not


def _array(values: Any, spec: TensorSpec | None) -> Any:
    import numpy as np

    if spec is not None and spec.dtype == "string":
        return _byte_array(values, rank=len(spec.shape))
    dtype = None if spec is None else np.dtype(spec.dtype) if hasattr(np, spec.dtype) else np.dtype(np.float32)
    try:
        # NaN and the infinities came as null.
        found = np.array(values, dtype=dtype)
    except (TypeError, ValueError):
        return values
    return _byte_array(values, rank=found.ndim) if dtype is None and found.dtype.kind in "UO" else found


def _byte_array(values: Any, *, rank: int) -> Any:
    """Return an array of bytes, as a model gives texts; a nested list where rows differ in length."""
    import numpy as np

    told = _encoded(values)
    shape = _shape(told)
    if shape is None or len(shape) != rank:
        return told
    array = np.empty(shape, dtype=object)
    array.reshape(-1)[:] = list(_flat(told))
    return array


def _encoded(values: Any) -> Any:
    if isinstance(values, list):
        return [_encoded(value) for value in values]
    if isinstance(values, dict) and values.keys() == {"b64"}:
        try:
            return base64.b64decode(values["b64"])
        except (TypeError, binascii.Error):
            return values
    return values.encode() if isinstance(values, str) else values


def _shape(values: Any) -> tuple[int, ...] | None:
    """Return the shape of nested lists; None where they do not agree."""
    if not isinstance(values, list):
        return ()
    shapes = {_shape(value) for value in values}
    if len(shapes) > 1 or None in shapes:
        return None
    inner = next(iter(shapes), ())
    return None if inner is None else (len(values), *inner)


def _flat(values: Any) -> Any:
    if not isinstance(values, list):
        yield values
        return
    for value in values:
        yield from _flat(value)
