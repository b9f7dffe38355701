"""Nouns to JSON and back; nothing else in mlmagic (de)serialises them.

Fields are camelCase in JSON, times RFC 3339 in UTC, enums their value, numbers that are not finite text (`"NaN"`);
defaults that are None or empty are left out.
A document carries `schemaVersion`. Fields that this version does not know are kept in `Noun.extra` and written back.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from mlmagic.spec.noun import Noun

SCHEMA_VERSION = 1

# JSON has no such numbers: browsers and SQLite refuse a document with a bare NaN.
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}

N = TypeVar("N", bound=Noun)


class DecodeError(ValueError):
    """A document that does not describe the noun; the message has the path of the field."""


def dumps(noun: Noun, *, indent: int | None = 2) -> str:
    """Return the noun as a JSON document, the same text for the same noun."""
    document = {"schemaVersion": SCHEMA_VERSION, **encode(noun)}
    return json.dumps(document, indent=indent, sort_keys=True, ensure_ascii=False)


def loads(kind: type[N], text: str | bytes) -> N:
    """Read a JSON document.

    Raises:
        DecodeError: it is not JSON, or a field is missing or of the wrong type.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise DecodeError(f"{kind.__name__}: not JSON: {error}") from error
    except RecursionError as error:
        raise DecodeError(f"{kind.__name__}: nested too deeply") from error
    if not isinstance(document, dict):
        raise DecodeError(f"{kind.__name__}: expected a JSON object, got {type(document).__name__}")
    document.pop("schemaVersion", None)
    return decode(kind, document)


def encode(noun: Noun) -> dict[str, Any]:
    """Return the noun as JSON values."""
    encoded: dict[str, Any] = dict(noun.extra)
    for name, key, is_required, default in _defaults(typing.cast("Any", type(noun))):
        value = getattr(noun, name)
        # Left out is only what reading puts back: an empty tuple that stands for no default but itself is not.
        if is_required or value or value != default or not (value is None or isinstance(value, tuple | Mapping)):
            encoded[key] = _encode_value(value)
    return encoded


def decode(kind: type[N], document: Mapping[str, Any], path: str = "") -> N:
    """Build a noun from JSON values.

    Raises:
        DecodeError: a field is missing or of the wrong type.
    """
    path = path or kind.__name__
    remaining = dict(document)
    values: dict[str, Any] = {}
    for name, key, hint, required in _fields(typing.cast("Any", kind)):
        if key in remaining:
            values[name] = _decode_value(hint, remaining.pop(key), f"{path}.{key}")
        elif required:
            raise DecodeError(f"{path}.{key} is missing")
    return kind(**values, extra=remaining)


@cache
def _defaults(kind: type[Noun]) -> tuple[tuple[str, str, bool, object], ...]:
    return tuple(
        (
            field.name,
            _camel(field.name),
            _is_required(field),
            field.default if field.default_factory is dataclasses.MISSING else field.default_factory(),
        )
        for field in dataclasses.fields(kind)
        if field.name != "extra"
    )


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


@cache
def _fields(kind: type[Noun]) -> tuple[tuple[str, str, Any, bool], ...]:
    hints = typing.get_type_hints(kind)
    return tuple(
        (field.name, _camel(field.name), hints[field.name], _is_required(field))
        for field in dataclasses.fields(kind)
        if field.name != "extra"
    )


@cache
def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


_PLAIN = frozenset({str, int, bool, type(None)})


def _encode_value(value: object) -> Any:
    if type(value) in _PLAIN:
        return value
    match value:
        case Noun():
            return encode(value)
        case Enum():
            return value.value
        case datetime():
            return format_time(value)
        case Mapping():
            return {str(key): _encode_value(item) for key, item in value.items()}
        case tuple() | list():
            return [_encode_value(item) for item in value]
        case float() if not math.isfinite(value):
            return _NOT_FINITE[str(value)]
        case _:
            return value


def _decode_value(hint: Any, value: Any, path: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _decode_union(arguments, value, path)
    if origin is tuple:
        _expect(value, list, path)
        # A thousand columns have half a million quantiles.
        if all(type(item) is arguments[0] for item in value):
            return tuple(value)
        return tuple(_decode_value(arguments[0], item, f"{path}[{i}]") for i, item in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        _expect(value, dict, path)
        return {key: _decode_value(arguments[1], item, f"{path}.{key}") for key, item in value.items()}
    if hint is Any or hint is object:
        return value
    return _decode_scalar(hint, value, path)


def _decode_union(arguments: Sequence[Any], value: Any, path: str) -> Any:
    if value is None and type(None) in arguments:
        return None
    choices = [argument for argument in arguments if argument is not type(None)]
    for choice in choices[:-1]:
        try:
            return _decode_value(choice, value, path)
        except DecodeError:
            continue
    return _decode_value(choices[-1], value, path)


def _decode_scalar(hint: type[Any], value: Any, path: str) -> Any:
    if issubclass(hint, Noun):
        _expect(value, dict, path)
        return decode(hint, value, path)
    if issubclass(hint, datetime):
        _expect(value, str, path)
        return _parse(parse_time, value, path)
    if issubclass(hint, Enum):
        return _parse(hint, value, path)
    if hint is float and (type(value) is int or (isinstance(value, str) and value in _NOT_FINITE.values())):
        return float(value)
    _expect(value, hint, path)
    return value


def _parse(function: Any, value: Any, path: str) -> Any:
    try:
        return function(value)
    except ValueError as error:
        raise DecodeError(f"{path}: {error}") from error


def _expect(value: Any, kind: type[Any], path: str) -> None:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise DecodeError(f"{path}: expected {kind.__name__}, got {type(value).__name__} {value!r:.60}")


def format_time(time: datetime) -> str:
    """Return a time as RFC 3339 in UTC with microseconds, the form that sorts as text."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time.

    Raises:
        ValueError: not a time with an offset.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"time without offset: {text!r}")
    return time.astimezone(UTC)
