"""`openapi.json`: the REST API described for other programs, from the routes and the nouns themselves."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from tornado import web

from mlmagic import __version__
from mlmagic.server.handler import Described, Handler, Route, description_of
from mlmagic.server.openapi_nouns import reachable, wire_fields
from mlmagic.server.routing import API, load
from mlmagic.spec.noun import Noun
from mlmagic.spec.panel_rows import Problem

_VERBS = ("get", "post", "put", "patch", "delete")
_PLAIN: Mapping[object, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]},
    datetime: {"type": "string", "format": "date-time"},
    type(None): {"type": "null"},
    object: {},
    Any: {},
}
_PROBLEM = {"type": "object", "properties": {"problem": {"$ref": "#/components/schemas/Problem"}}}


class OpenApiHandler(Handler):
    """The description of the API."""

    needs_workspace = False

    async def get(self) -> None:
        """Describe the API."""
        await self.respond(lambda: document(load().routes, self.base_url))


def document(routes: Iterable[Route], base_url: str) -> dict[str, Any]:
    """Return the description of these routes, those beside the API left out."""
    told = [route for route in routes if not route.path.startswith("/") and issubclass(route.handler, Handler)]
    verbs = [(route, name, verb) for route in told for name, verb in _verbs(route.handler)]
    paths: dict[str, dict[str, Any]] = {}
    for route, name, verb in verbs:
        paths.setdefault(f"/{route.path}", {})[name] = _operation(route, name, verb)
    noted = [description for *_, verb in verbs if (description := description_of(verb))]
    return {
        "openapi": "3.1.0",
        "info": {"title": "mlmagic", "version": __version__},
        "servers": [{"url": f"{base_url}{API}"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {kind.__name__: _described_kind(kind) for kind in reachable(Problem, *_kinds(noted))},
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`token TOKEN`, the Jupyter server's; a browser has its login.",
                }
            },
        },
    }


def schema(hint: Any) -> dict[str, Any]:
    """Return the JSON schema of a type; nouns and enums are referred to."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [schema(argument) for argument in arguments]}
    if origin is tuple:
        return {"type": "array", "items": schema(arguments[0])}
    if origin is not None:
        return {"type": "object", "additionalProperties": schema(arguments[1])}
    return {"$ref": f"#/components/schemas/{hint.__name__}"}


def _verbs(handler: type[web.RequestHandler]) -> Iterator[tuple[str, Any]]:
    for name in _VERBS:
        verb = getattr(handler, name)
        if verb is not getattr(web.RequestHandler, name):
            yield name, verb


def _operation(route: Route, name: str, verb: Any) -> dict[str, Any]:
    noted = description_of(verb)
    operation: dict[str, Any] = {
        "summary": (verb.__doc__ or "").split("\n", maxsplit=1)[0],
        "operationId": f"{name} {route.path}",
        "parameters": [
            *_path_parameters(route.path),
            *(_query_parameters(noted.query) if noted and noted.query else []),
        ],
        "responses": {**_success(noted), "default": {"description": "Why not.", **_json(_PROBLEM)}},
    }
    if noted and noted.body:
        is_needed = any(field.is_required for field in wire_fields(noted.body))
        operation["requestBody"] = {"required": is_needed, **_json(_body(noted.body))}
    return operation


def _success(noted: Described | None) -> dict[str, Any]:
    if noted is None:
        return {"200": {"description": "Done."}}
    if noted.answer is None:
        return {"204": {"description": "Done."}}
    answer = noted.answer
    told = _mapping(answer) if isinstance(answer, Mapping) else schema(answer)
    return {str(noted.status): {"description": "Done.", **_json(told)}}


def _mapping(answer: Mapping[str, object]) -> dict[str, Any]:
    properties = {
        key: {"type": "array", "items": schema(value[0])} if isinstance(value, list) else schema(value)
        for key, value in answer.items()
    }
    return {"type": "object", "properties": properties, "required": list(answer)}


def _body(kind: type[Noun]) -> dict[str, Any]:
    fields = wire_fields(kind)
    return {
        "type": "object",
        "properties": {field.key: schema(field.hint) for field in fields},
        "required": [field.key for field in fields if field.is_required],
        "additionalProperties": False,
    }


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"\{(\w+)\}", path)
    numbered = {"type": "integer", "minimum": 1}
    return [
        {"name": name, "in": "path", "required": True, "schema": numbered if name == "number" else _PLAIN[str]}
        for name in names
    ]


def _query_parameters(kind: type[Noun]) -> list[dict[str, Any]]:
    return [
        {
            "name": field.key,
            "in": "query",
            "required": field.is_required,
            "schema": schema(field.hint),
            "explode": False,
        }
        for field in wire_fields(kind)
    ]


def _kinds(noted: Iterable[Described]) -> Iterator[type]:
    for each in noted:
        answers = each.answer.values() if isinstance(each.answer, Mapping) else (each.answer,)
        flat = [value[0] if isinstance(value, list) else value for value in answers]
        yield from (kind for kind in flat if isinstance(kind, type) and issubclass(kind, Noun | Enum))
        for taken in (each.body, each.query):
            # They stand where they are taken; what is within them may be an enum.
            if taken is not None:
                yield from (kind for kind in reachable(taken) if kind is not taken)


def _described_kind(kind: Any) -> dict[str, Any]:
    words = {"description": (kind.__doc__ or "").split("\n", maxsplit=1)[0]}
    if issubclass(kind, Enum):
        return {**words, "enum": [member.value for member in kind]}
    fields = wire_fields(kind)
    return {
        **words,
        "type": "object",
        "properties": {field.key: schema(field.hint) for field in fields},
        "required": [field.key for field in fields if not field.is_left_out],
    }


def _json(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": told}}}


ROUTES = (Route("openapi.json", OpenApiHandler),)
