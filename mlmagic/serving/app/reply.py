"""Outputs to the bytes of a reply, in the forms of TensorFlow Serving's REST interface."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import numpy as np
import orjson

from mlmagic.serving.app.failures import RequestFailed
from mlmagic.serving.app.request import Dialect, Request
from mlmagic.serving.results import with_gaps

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY
_NATIVE = frozenset("fiub")
_BYTES_SUFFIX = "_bytes"


def encode(request: Request, outputs: Mapping[str, Any], dialect: Dialect, label: str) -> bytes:
    """Return the body of the reply.

    Raises:
        RequestFailed: the model's outputs are not what such a request is answered with.
    """
    if dialect is Dialect.CLASSIFY:
        return _dumps("results", _classification(outputs, label))
    if dialect is Dialect.REGRESS:
        return _dumps("results", _regression(outputs, request.count, label))
    handed_on = request.method.handed_on
    key = "outputs" if request.wants_columns else "predictions"
    if len(outputs) == 1:
        ((name, output),) = outputs.items()
        return _dumps(key, _sendable(name, output, handed_on))
    values = {name: _sendable(name, output, handed_on) for name, output in outputs.items()}
    if request.wants_columns:
        return _dumps(key, values)
    rows = zip(*values.values(), strict=True)
    return _dumps(key, [dict(zip(values, row, strict=True)) for row in rows])


def encode_nothing(request: Request, dialect: Dialect) -> bytes:
    """Return the body of the reply to a request without instances."""
    if dialect in {Dialect.CLASSIFY, Dialect.REGRESS}:
        return _dumps("results", [])
    if not request.wants_columns:
        return _dumps("predictions", [])
    names = [spec.name for spec in request.method.signature.outputs]
    return _dumps("outputs", {name: [] for name in names} if len(names) > 1 else [])


def _dumps(key: str, value: Any) -> bytes:
    try:
        return orjson.dumps({key: value}, option=_OPTIONS)
    except TypeError as error:
        # Such as complex numbers.
        message = f"the model's outputs cannot be sent as JSON: {error}"
        raise RequestFailed(HTTPStatus.INTERNAL_SERVER_ERROR, message) from None


def _sendable(name: str, output: Any, handed_on: frozenset[str]) -> Any:
    """Return an output as orjson takes it: it knows numpy's numbers, and writes null for what is none."""
    if name in handed_on:
        output = with_gaps(output)
    if isinstance(output, list):
        return output
    if output.dtype.kind in _NATIVE:
        return np.ascontiguousarray(output) if output.ndim else output.item()
    if output.dtype == object:
        return _texts(output.tolist(), as_bytes=name.endswith(_BYTES_SUFFIX))
    return output.tolist()


def _texts(value: Any, *, as_bytes: bool) -> Any:
    if isinstance(value, list):
        return [_texts(item, as_bytes=as_bytes) for item in value]
    if isinstance(value, str):
        return {"b64": base64.b64encode(value.encode()).decode()} if as_bytes else value
    if not as_bytes:
        try:
            return value.decode()
        except UnicodeDecodeError:
            pass  # not text: sent as what it is
    return {"b64": base64.b64encode(value).decode()}


def _classification(outputs: Mapping[str, Any], label: str) -> Any:
    """Return pairs of label and score for each example; the label is empty where the model has none."""
    scores: Any = outputs.get("scores")
    classes: Any = outputs.get("classes")
    if scores is None and classes is None:
        raise _unfit(label, "classify", "`classes` or `scores`", outputs)
    if any(array is not None and np.ndim(array) != 2 for array in (scores, classes)):
        raise _unfit(label, "classify", "a list of them for each example", outputs)
    names = [[""] * len(row) for row in scores] if classes is None else _texts(classes.tolist(), as_bytes=False)
    numbers = [[0.0] * len(row) for row in names] if scores is None else scores
    return [[[name, number] for name, number in zip(*pair, strict=True)] for pair in zip(names, numbers, strict=True)]


def _regression(outputs: Mapping[str, Any], count: int, label: str) -> Any:
    value = outputs.get("outputs")
    if value is None or getattr(value, "size", -1) != count:
        raise _unfit(label, "regress", "`outputs` with one number for each example", outputs)
    return np.ascontiguousarray(value).reshape(count)


def _unfit(label: str, verb: str, wanted: str, outputs: Mapping[str, Any]) -> RequestFailed:
    return RequestFailed(
        HTTPStatus.INTERNAL_SERVER_ERROR, f"to {verb}, {label} must return {wanted}; it returns {', '.join(outputs)}."
    )
