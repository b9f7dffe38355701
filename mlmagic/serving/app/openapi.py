"""`GET /openapi.json`: what this endpoint takes and answers, from the signature of its model."""

from __future__ import annotations

from typing import Any

from mlmagic.serving.app.deployed import Table
from mlmagic.serving.app.schemas import (
    Schema,
    columns_schema,
    example_instance,
    instances_schema,
    predictions_schema,
)
from mlmagic.spec.endpoint import Limits

_FAILURES = {
    400: "the body is not JSON, or instances do not fit: all that is wrong, with its path",
    401: "no token, or another one",
    403: "a foreign Host or Origin",
    408: "the body did not come in in time",
    413: "too many bytes or too many instances",
    415: "an unknown Content-Encoding",
    429: "too many requests wait; see Retry-After",
    500: "the model failed on these instances",
    503: "no answer in time, or this endpoint is changing; see Retry-After",
}
_TENSORFLOW_ERROR: Schema = {
    "type": "object",
    "properties": {"error": {"type": "string"}, "problems": {"type": "array", "items": {"type": "string"}}},
    "required": ["error"],
}
_VERTEX_ERROR: Schema = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "integer"},
                "message": {"type": "string"},
                "status": {"type": "string"},
                "details": {"type": "array", "items": {"type": "object"}},
            },
            "required": ["code", "message", "status"],
        }
    },
    "required": ["error"],
}
_STATUS: Schema = {
    "type": "object",
    "properties": {"model_version_status": {"type": "array", "items": {"type": "object"}, "minItems": 1}},
    "required": ["model_version_status"],
}
_EXAMPLES: Schema = {"one": {"$ref": "#/components/examples/one"}}
_TEXT: Schema = {"type": "string"}
_OBJECT: Schema = {"type": "object"}


def openapi(table: Table, limits: Limits, *, needs_token: bool) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of an endpoint."""
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": f"{table.endpoint}: predictions of the model {table.model}",
            "version": ", ".join(f"{table.model}@{number}" for number in sorted(table.versions)),
            "description": (
                f"A request has at most {limits.body_bytes:,} bytes and {limits.instances:,} instances, "
                f"and is answered within {limits.timeout_seconds:g} s."
            ),
        },
        "paths": {**_tensorflow_paths(table), **_vertex_paths(table), **_own_paths()},
        "components": {
            "schemas": {
                "Rows": _rows(table, limits),
                "Columns": _columns(table, limits),
                "VertexRequest": _vertex_request(table, limits),
                "Reply": {"anyOf": [_reply("predictions", table), {"type": "object", "required": ["outputs"]}]},
                "VertexReply": _reply("predictions", table),
                "Error": _TENSORFLOW_ERROR,
                "VertexError": _VERTEX_ERROR,
            },
        },
    }
    if needs_token:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    document["components"]["examples"] = {"one": {"value": {"instances": [example_instance(table.signature)]}}}
    return document


def _tensorflow_paths(table: Table) -> dict[str, Any]:
    base = f"/v1/models/{table.model}"
    version = _parameter("version", [str(number) for number in sorted(table.versions)])
    label = _parameter("label", list(table.labels))
    body = {"oneOf": [{"$ref": "#/components/schemas/Rows"}, {"$ref": "#/components/schemas/Columns"}]}
    paths: dict[str, Any] = {}
    for suffix, parameters in (("", []), ("/versions/{version}", [version]), ("/labels/{label}", [label])):
        if parameters == [label] and not table.labels:
            continue
        told = {"parameters": parameters} if parameters else {}
        paths[f"{base}{suffix}:predict"] = {"post": _asking(body, "Reply", "Error", picks=not parameters), **told}
        paths[f"{base}{suffix}"] = {"get": _getting("Status of the versions", _STATUS), **told}
        paths[f"{base}{suffix}/metadata"] = {"get": _getting("Signatures", _OBJECT), **told}
    return paths


def _vertex_paths(table: Table) -> dict[str, Any]:
    base = f"/v1/projects/{{project}}/locations/{{location}}/endpoints/{table.endpoint}"
    segment = {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,29}$"}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": segment, "description": "any will do"}
        for name in ("project", "location")
    ]
    body = {"$ref": "#/components/schemas/VertexRequest"}
    raw = {"oneOf": [{"$ref": "#/components/schemas/Rows"}, {"$ref": "#/components/schemas/Columns"}]}
    return {
        f"{base}:predict": {"post": _asking(body, "VertexReply", "VertexError"), "parameters": parameters},
        f"{base}:rawPredict": {"post": _asking(raw, "Reply", "VertexError"), "parameters": parameters},
        base: {"get": _getting("The endpoint", _OBJECT, error="VertexError"), "parameters": parameters},
    }


def _own_paths() -> dict[str, Any]:
    return {
        "/healthz": {"get": _getting("Alive", _OBJECT) | {"security": []}},
        "/readyz": {"get": _getting("Ready for requests", _OBJECT) | {"security": []}},
        "/openapi.json": {"get": _getting("This document", _OBJECT)},
        "/": {"get": _getting("How to ask", _TEXT, media="text/plain")},
    }


def _rows(table: Table, limits: Limits) -> Schema:
    return _body({"instances": instances_schema(table.signature, limits.instances)}, table, required="instances")


def _columns(table: Table, limits: Limits) -> Schema:
    return _body({"inputs": columns_schema(table.signature, limits.instances)}, table, required="inputs")


def _body(properties: Schema, table: Table, *, required: str) -> Schema:
    name = {"type": "string", "enum": [table.signature.name], "description": "another signature has other inputs"}
    return {
        "type": "object",
        "properties": {"signature_name": name, **properties},
        "required": [required],
        "additionalProperties": False,
    }


def _vertex_request(table: Table, limits: Limits) -> Schema:
    return {
        "type": "object",
        "properties": {
            "instances": instances_schema(table.signature, limits.instances),
            "parameters": {"type": "object", "maxProperties": 0},
        },
        "required": ["instances"],
        "additionalProperties": False,
    }


def _reply(key: str, table: Table) -> Schema:
    predictions = {"type": "array", "items": predictions_schema(table.signature.outputs)}
    return {"type": "object", "properties": {key: predictions}, "required": [key]}


def _asking(body: Schema, reply: str, error: str, *, picks: bool = True) -> dict[str, Any]:
    key = {
        "name": "x-mlmagic-key",
        "in": "header",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,40}$"},
        "description": "the same version answers the same key as long as the split stays",
    }
    version = {"x-mlmagic-version": {"schema": {"type": "string"}, "description": "who answered, such as taxi@2"}}
    return {
        "summary": "Predict",
        **({"parameters": [key]} if picks else {}),
        "requestBody": {"required": True, "content": {"application/json": {"schema": body, "examples": _EXAMPLES}}},
        "responses": {
            "200": {"description": "Predictions", "headers": version, "content": _content(reply)},
            **{str(code): {"description": text, "content": _content(error)} for code, text in _FAILURES.items()},
        },
    }


def _getting(summary: str, schema: Schema, *, media: str = "application/json", error: str = "Error") -> dict[str, Any]:
    failures = {code: _FAILURES[code] for code in (401, 403, 503)} | {404: "there is no such thing here"}
    return {
        "summary": summary,
        "responses": {
            "200": {"description": summary, "content": {media: {"schema": schema}}},
            **{str(code): {"description": text, "content": _content(error)} for code, text in failures.items()},
        },
    }


def _content(name: str) -> Schema:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _parameter(name: str, known: list[str]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "enum": known}}
