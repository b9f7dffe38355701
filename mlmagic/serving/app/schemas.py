"""A signature as JSON Schema: what instances and predictions look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlmagic.serving.frame_columns import handed_on_inputs
from mlmagic.serving.values import integer_range
from mlmagic.spec.model import Signature, TensorSpec

Schema = dict[str, Any]

_LARGEST = {"float16": 65504.0, "float32": 3.4028234663852886e38, "bfloat16": 3.3895313892515355e38}
_LARGEST_DOUBLE = 1.7976931348623157e308
_BYTES: Schema = {
    "type": "object",
    "properties": {"b64": {"type": "string", "contentEncoding": "base64", "pattern": "^([A-Za-z0-9+/]{4})*$"}},
    "required": ["b64"],
    "additionalProperties": False,
    "description": "bytes that are no text, in base64",
}


def instance_schema(signature: Signature) -> Schema:
    """Return the schema of one instance: an object; or also a bare value where there is but one input."""
    as_object: Schema = {
        "type": "object",
        "properties": {spec.name: value_schema(spec) for spec in signature.inputs},
        "required": [spec.name for spec in signature.inputs if not spec.optional],
        "additionalProperties": False,
    }
    if len(signature.inputs) != 1:
        return as_object
    return {"anyOf": [value_schema(signature.inputs[0]), as_object]}


def instances_schema(signature: Signature, most: int) -> Schema:
    """Return the schema of a list of instances."""
    schema: Schema = {"type": "array", "items": instance_schema(signature), "minItems": 1, "maxItems": most}
    # One that none of the instances has was more likely forgotten.
    expected = [
        spec.name for spec in signature.inputs if spec.optional and spec.name not in handed_on_inputs(signature)
    ]
    if expected and len(signature.inputs) > 1:
        schema["allOf"] = [{"contains": {"type": "object", "required": [name]}} for name in expected]
    return schema


def columns_schema(signature: Signature, most: int) -> Schema:
    """Return the schema of columns: a list for each input, all of one length, which JSON Schema cannot say."""
    handed_on = handed_on_inputs(signature)
    lists = {
        spec.name: {"type": "array", "items": value_schema(spec), "minItems": 1, "maxItems": most}
        for spec in signature.inputs
    }
    as_object: Schema = {
        "type": "object",
        "properties": lists,
        "required": [name for name in lists if name not in handed_on],
        "additionalProperties": False,
        "description": "all lists have the same length",
    }
    return as_object if len(lists) != 1 else {"anyOf": [*lists.values(), as_object]}


def predictions_schema(outputs: Sequence[TensorSpec]) -> Schema:
    """Return the schema of one prediction: the bare value of the one output, or an object with all of them."""
    values = {spec.name: _answer_schema(spec) for spec in outputs}
    if len(values) == 1:
        return next(iter(values.values()))
    return {"type": "object", "properties": values, "required": list(values), "additionalProperties": False}


def value_schema(spec: TensorSpec) -> Schema:
    """Return the schema of one instance's value for an input."""
    schema = _scalar_schema(spec.dtype)
    if spec.shape[1:] in {(), (1,)}:
        return {"anyOf": [schema, {"type": "null"}]} if spec.optional else schema
    return _nested(schema, spec.shape[1:])


def example_instance(signature: Signature) -> Any:
    """Return an instance that the model takes, of usual values as far as they are known."""
    values = {spec.name: _example(spec) for spec in signature.inputs}
    return next(iter(values.values())) if len(values) == 1 else values


def _answer_schema(spec: TensorSpec) -> Schema:
    if spec.dtype == "string":
        schema: Schema = {"anyOf": [{"type": "string"}, _BYTES]}
    elif spec.dtype == "bool":
        schema = {"type": "boolean"}
    elif "int" in spec.dtype:
        schema = {"type": "integer"}
    else:
        # JSON has no word for what is no number.
        schema = {"type": ["number", "null"]}
    # An output's inner sizes may be of its own making: ragged, or of another rank than was told.
    nested = _nested(schema, [None for _ in spec.shape[1:]])
    return nested | {"description": f"of {', '.join(spec.labels)}, in this order"} if spec.labels else nested


def _scalar_schema(dtype: str) -> Schema:
    if dtype == "string":
        return {"anyOf": [{"type": "string"}, _BYTES]}
    if dtype == "bool":
        return {"type": "boolean"}
    if "int" in dtype:
        low, high = integer_range(dtype)
        return {"type": "integer", "minimum": low, "maximum": high}
    largest = _LARGEST.get(dtype, _LARGEST_DOUBLE)
    return {"type": "number", "minimum": -largest, "maximum": largest}


def _nested(schema: Schema, sizes: Sequence[int | None]) -> Schema:
    for size in reversed(sizes):
        limits: Mapping[str, int] = {} if size is None else {"minItems": size, "maxItems": size}
        schema = {"type": "array", "items": schema, **limits}
    return schema


def _example(spec: TensorSpec) -> Any:
    value: Any = spec.example_value
    sizes = spec.shape[1:]
    if sizes == (1,):
        return value
    for size in reversed(sizes):
        value = [value] * (2 if size is None else size)
    return value
