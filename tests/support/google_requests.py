"""Requests to Google's APIs, checked field by field against the definitions that Google's client libraries carry.

The libraries' messages tell fields, types and enums. What is required, what only Google writes, and how resources are
called, their generated docstrings tell.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mlmagic.emulator.wire.routes import find

LIBRARIES = {
    "google.cloud.aiplatform.v1": "google.cloud.aiplatform_v1.types",
    "google.logging.v2": "google.cloud.logging_v2.types",
    "google.monitoring.v3": "google.cloud.monitoring_v3.types",
    "google.dataflow.v1beta3": "google.cloud.dataflow_v1beta3.types",
}
_ATTRIBUTE = re.compile(
    r"^(?P<indent> +)(?P<name>\w+) \([^\n]*\):\n(?P<text>(?:(?P=indent) +[^\n]*\n|\s*\n)*)", re.MULTILINE
)
_NAME = re.compile(r"``(projects/[^`\s]*\{[^`\s]*)``")


def rpc_of(method: str, url: str) -> str | None:
    """Return the RPC that a request is, as in `CreateCustomJob`; None for what has no definition, as Cloud Storage."""
    found = find(method, urlsplit(url).path)
    return found[0].rpc.name if found and _library(found[0].rpc.request) else None


def faults_in(method: str, url: str, body: str | bytes | None) -> list[str]:
    """Return what of a request is not as its definition says."""
    from google.protobuf.json_format import ParseDict, ParseError

    found = find(method, urlsplit(url).path)
    if found is None or (library := _library(found[0].rpc.request)) is None:
        return []
    binding, document = found[0], {}
    if binding.body is not None:
        told = json.loads(body or "{}")
        document = told if binding.body == "*" else {binding.body: told}
    for name, value in [*found[1].items(), *parse_qsl(urlsplit(url).query)]:
        if not name.startswith("$"):
            _put(document, name, value)
    rpc = binding.rpc.name
    try:
        message = ParseDict(document, _types(library)[binding.rpc.request].pb()())
    except ParseError as error:
        return [f"{rpc}: {error}"]
    return [f"{rpc}: {fault}" for fault in _faults(message, library, is_update=rpc.startswith("Update"))]


def _library(message: str) -> str | None:
    return LIBRARIES.get(message.rpartition(".")[0])


def _put(document: dict[str, Any], name: str, value: str) -> None:
    *outer, last = name.split(".")
    for part in outer:
        document = document.setdefault(part, {})
    document[last] = {"true": True, "false": False}.get(value, value)


def _faults(message: Any, library: str, path: str = "", *, is_update: bool) -> Iterator[str]:
    """Yield what is wrong with a message and those in it."""
    texts = _texts(library, message.DESCRIPTOR.full_name)
    is_set = {field.name for field, _ in message.ListFields()}
    for field in message.DESCRIPTOR.fields:
        text = texts.get(field.name, "")
        if text.startswith("Required.") and field.name not in is_set and not _may_be_zero(field):
            yield f"{path}{field.name} is required"
        if text.startswith("Output only.") and field.name in is_set and not is_update:
            yield f"{path}{field.name} is written by Google alone"
    for field, value in message.ListFields():
        entry = field.message_type
        if entry is not None and (entry.GetOptions().map_entry or entry.full_name.startswith("google.protobuf.")):
            continue
        for one in value if field.is_repeated else [value]:
            if entry is not None:
                yield from _faults(one, library, f"{path}{field.name}.", is_update=is_update)
            elif field.enum_type is not None and one not in field.enum_type.values_by_number:
                yield f"{path}{field.name}: {field.enum_type.name} has no {one}"
            elif _is_text(field) and not _is_name(one, texts.get(field.name, "")):
                yield f"{path}{field.name} is {one!r}, and should be {_NAME.findall(texts[field.name])}"


def _may_be_zero(field: Any) -> bool:
    """Say whether a field may hold what is not sent: a number that is 0, or the first word of some enums."""
    if field.enum_type is not None:
        return not field.enum_type.values_by_number[0].name.endswith("UNSPECIFIED")
    return not (field.is_repeated or field.message_type or _is_text(field))


def _is_text(field: Any) -> bool:
    return bool(field.type == field.TYPE_STRING)


def _is_name(value: str, text: str) -> bool:
    """Say whether a resource is called as one of the formats tells that its field's text has, if it has any."""
    if "version alias" in text:
        return True  # the text tells how a model is called by its aliases
    shapes = [re.sub(r"\\{.*?\\}(@\w+)?", "[^/]+", re.escape(shape)) for shape in _NAME.findall(text)]
    return not shapes or any(re.fullmatch(shape, value) for shape in shapes)


@cache
def _types(library: str) -> Mapping[str, Any]:
    """The library's classes by the full names of their messages."""
    found: dict[str, Any] = {}

    def take(kind: type) -> None:
        for inner in vars(kind).values():
            if isinstance(inner, type) and hasattr(inner, "pb") and hasattr(inner, "meta"):
                name = inner.pb().DESCRIPTOR.full_name
                if name not in found:
                    found[name] = inner
                    take(inner)

    take(importlib.import_module(library))  # type: ignore[arg-type]
    return found


@cache
def _texts(library: str, message: str) -> Mapping[str, str]:
    """What a message's docstring says of each of its fields, in one line."""
    kind = _types(library).get(message)
    matches = _ATTRIBUTE.finditer((kind.__doc__ or "") + "\n") if kind else ()
    return {match["name"]: " ".join(match["text"].split()) for match in matches}
