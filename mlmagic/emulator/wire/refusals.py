"""What is wrong with a request's JSON, in the words of the real APIs; all of it at once."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlmagic.emulator.errors import ApiError, Violation, bad_request
from mlmagic.emulator.wire import messages

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor

_BEGINNING = "Invalid JSON payload received. "
_FREE_FORM = frozenset(
    f"google.protobuf.{name}"
    for name in ("Any", "Duration", "Empty", "FieldMask", "ListValue", "Struct", "Timestamp", "Value")
)
"""Messages whose JSON is not an object of their fields."""
_WRAPPERS = re.compile(r"google\.protobuf\.(Bool|Bytes|Double|Float|U?Int(32|64)|String)Value")
_RANGES = {
    "int32": (-(1 << 31), (1 << 31) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
    "uint32": (0, (1 << 32) - 1),
    "uint64": (0, (1 << 64) - 1),
}


def refuse(violations: list[Violation]) -> None:
    """Raise what the API answers to a request with these faults, if there are any.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    if violations:
        raise bad_request("\n".join(found.description for found in violations), violations)


def check(message: Descriptor, value: Any, path: str = "") -> Iterator[Violation]:
    """Find what in a JSON value does not fit a message; `path` is where it stands in the request."""
    if message.full_name in _FREE_FORM or _WRAPPERS.fullmatch(message.full_name):
        if not _can_be_read(message.full_name, value):
            yield _invalid_value(path, f"type.googleapis.com/{message.full_name}", value)
        return
    if not isinstance(value, dict):
        yield _invalid_value(path, f"type.googleapis.com/{message.full_name}", value)
        return
    known = {name: field for field in message.fields for name in (field.name, field.json_name)}
    for name, inner in value.items():
        field = known.get(name)
        if field is None:
            yield _unknown(path, name)
        elif inner is not None:
            yield from _check_field(field, inner, _join(path, field.name), path)


def unknown_query_parameter(name: str) -> Violation:
    """Return what is said about a parameter of the address that no field takes."""
    return Violation(
        field="",
        description=f'{_BEGINNING}Unknown name "{name}": Cannot bind query parameter. '
        f"Field '{name}' could not be found in request message.",
    )


def not_json(text: str) -> ApiError:
    """Return the answer to a body that is no JSON."""
    return bad_request(f"{_BEGINNING}Parser terminated before end of string.\n{text[:40]}\n^")


def unreadable(error: Exception) -> ApiError:
    """Return the answer to a body that has the right fields with what cannot be read in them."""
    return bad_request(_BEGINNING + str(error))


def _check_field(field: FieldDescriptor, value: Any, path: str, parent: str) -> Iterator[Violation]:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        if not isinstance(value, dict):
            yield _invalid_value(path, "Map", value)
            return
        for key, inner in value.items():
            yield from _check_one(entry.fields_by_name["value"], inner, f"{path}[{key}].value")
    elif not field.is_repeated:
        if isinstance(value, list) and not (entry is not None and entry.full_name in _FREE_FORM):
            yield _unknown(parent, field.name, "Proto field is not repeating, cannot start list.")
            return
        yield from _check_one(field, value, path)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _check_one(field, inner, f"{path}[{number}]")
    else:
        yield _unknown(parent, field.name, "Proto field is repeating, but a single value was given.")


def _check_one(field: FieldDescriptor, value: Any, path: str) -> Iterator[Violation]:
    if field.message_type is not None:
        yield from check(field.message_type, value, path)
    elif field.enum_type is not None:
        names = field.enum_type.values_by_name
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not (is_number or (isinstance(value, str) and (value in names or re.fullmatch(r"-?\d+", value)))):
            yield _invalid_value(path, f"type.googleapis.com/{field.enum_type.full_name}", value)
    else:
        kind = _type_name(field)
        if not _fits(kind, value):
            yield _invalid_value(path, f"TYPE_{kind.upper()}", value)


def _can_be_read(name: str, value: Any) -> bool:
    from google.protobuf.json_format import ParseError

    try:
        messages.from_dict(name, value)
    except ParseError:
        return False
    return True


def _type_name(field: FieldDescriptor) -> str:
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto

    return str(FieldDescriptorProto.Type.Name(field.type)).removeprefix("TYPE_").lower()


def _fits(kind: str, value: Any) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "bool":
            return isinstance(value, bool) or value in {"true", "false"}
        case "bytes":
            return isinstance(value, str) and _is_base64(value)
        case "float" | "double":
            return _number(value) is not None
        case _:
            low, high = _RANGES.get(kind, _RANGES["int64"])
            number = _number(value)
            return number is not None and math.isfinite(number) and int(number) == number and low <= int(number) <= high


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if not isinstance(value, str):
        return value
    try:
        # Beyond 2^53 a float is another number.
        return int(value) if re.fullmatch(r"-?\d+", value) else float(value)
    except ValueError:
        return None


def _is_base64(value: str) -> bool:
    try:
        base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (ValueError, binascii.Error):
        return False
    return True


def _unknown(path: str, name: str, why: str = "Cannot find field.") -> Violation:
    where = f" at '{path}'" if path else ""
    return Violation(field=path, description=f'{_BEGINNING}Unknown name "{name}"{where}: {why}')


def _invalid_value(path: str, kind: str, value: Any) -> Violation:
    return Violation(field=path, description=f"Invalid value at '{path}' ({kind}), {json.dumps(value)[:200]}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
