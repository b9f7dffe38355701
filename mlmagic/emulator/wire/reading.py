"""An HTTP request → the request message of its RPC, or the real API's refusal."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mlmagic.emulator.wire import messages
from mlmagic.emulator.wire.refusals import check, not_json, refuse, unknown_query_parameter, unreadable
from mlmagic.emulator.wire.routes import Binding

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.message import Message

_SYSTEM = frozenset({"access_token", "alt", "callback", "fields", "key", "prettyPrint", "quotaUser", "userProject"})
"""Parameters that every API takes; so is what begins with `$`."""


def read(
    binding: Binding,
    in_path: Mapping[str, str],
    query: Iterable[tuple[str, str]],
    body: bytes,
    content_type: str = "application/json",
) -> Message:
    """Return the request message.

    Raises:
        ApiError: INVALID_ARGUMENT, with every fault.
    """
    from google.protobuf.json_format import ParseError

    kind = messages.descriptor(binding.rpc.request)
    document = _body(binding, kind, body, content_type)
    violations = list(check(kind, document))
    for name, value in query:
        if not name.startswith("$") and name not in _SYSTEM and not _put(document, kind, name, value):
            violations.append(unknown_query_parameter(name))
    refuse(violations)
    for name, value in in_path.items():
        _put(document, kind, name, value)
    # What a parameter of the address holds may be wrong too.
    refuse(list(check(kind, document)))
    try:
        return messages.from_dict(binding.rpc.request, document)
    except ParseError as error:
        raise unreadable(error) from error


def is_raw(binding: Binding, body: bytes) -> bool:
    """Say whether the body is to be handed on as it is, and not JSON that tells of a body, as gapic's REST sends it."""
    if "http_body" not in messages.descriptor(binding.rpc.request).fields_by_name:
        return False
    try:
        document = json.loads(body)
    except ValueError:
        return True
    return not (isinstance(document, dict) and document.keys() == {"httpBody"})


def _body(binding: Binding, kind: Descriptor, body: bytes, content_type: str) -> dict[str, Any]:
    if is_raw(binding, body):
        return {"http_body": {"content_type": content_type, "data": base64.b64encode(body).decode()}}
    if binding.body is None or not body.strip():
        return {}
    try:
        document = json.loads(body, parse_constant=_no_number)
    except ValueError:
        raise not_json(body.decode("utf-8", "replace")) from None
    if binding.body != "*":
        return {binding.body: document}
    refuse([] if isinstance(document, dict) else list(check(kind, document)))
    return dict(document)


def _no_number(name: str) -> None:
    """Refuse NaN and the infinities, which Python takes for JSON."""
    raise ValueError(name)


def _put(document: dict[str, Any], kind: Descriptor, name: str, value: str) -> bool:
    """Set a field by its dotted name; say no if the message has none such."""
    *outer, last = name.split(".")
    for part in outer:
        field = _field(kind, part)
        if field is None or field.message_type is None or field.is_repeated:
            return False
        key = field.json_name if field.json_name in document else field.name
        inner = document.setdefault(key, {})
        if not isinstance(inner, dict):
            return False
        document, kind = inner, field.message_type
    field = _field(kind, last)
    if field is None:
        return False
    document.pop(field.json_name, None) if field.json_name != field.name and not field.is_repeated else None
    if field.is_repeated:
        document.setdefault(field.name, []).append(_typed(field, value))
    else:
        document[field.name] = _typed(field, value)
    return True


def _field(kind: Descriptor, name: str) -> FieldDescriptor | None:
    return next((field for field in kind.fields if name in {field.name, field.json_name}), None)


def _typed(field: FieldDescriptor, value: str) -> Any:
    if field.enum_type is not None:
        with contextlib.suppress(ValueError):
            return int(value)
    if field.type == field.TYPE_BOOL and value in {"true", "false"}:
        return value == "true"
    return value
