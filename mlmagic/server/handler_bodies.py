"""What comes with a request, its JSON body or its query, read as a noun: all that is wrong is told at once."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from mlmagic.errors import UsageError, nearest
from mlmagic.panels.sizes import size_text
from mlmagic.server.openapi_nouns import WireField, wire_fields
from mlmagic.spec.codec import decode, parse_time
from mlmagic.spec.noun import Noun

N = TypeVar("N", bound=Noun)

_WORDS: Mapping[object, str] = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
_MANY_WORDS: Mapping[object, str] = {int: "whole numbers", float: "numbers", str: "texts"}
_JUPYTERS_OWN = frozenset({"token", "_xsrf", "no_track_activity"})
"""What Jupyter itself takes from a query."""
_MOST_TOLD = 20
MOST_BYTES = 16 << 20
"""Of a body. It is read where all requests are, which wait meanwhile."""
_LONGEST_NUMBER = 15
_NUMBERS_END = 10**_LONGEST_NUMBER
"""What counts something is smaller, and JavaScript tells all such numbers apart."""


def read_body(kind: type[N], data: bytes) -> N:
    """Return the body of a request; nothing at all stands for an empty object.

    Raises:
        UsageError: it is no JSON object, has wrong fields, all of which are listed, or is too long.
    """
    if len(data) > MOST_BYTES:
        raise UsageError(
            f"the body has {size_text(len(data))}; up to {size_text(MOST_BYTES)} is taken.",
            hint="Predictions for many rows are a job: %predict MODEL --input FILES --output DIR",
        )
    try:
        document = json.loads(data or b"{}")
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise UsageError(f"the body is not JSON: {reason}.") from None
    if not isinstance(document, dict):
        raise UsageError(f"the body is a JSON object, not {_shown(document)}.")
    if b"\\u" in data and not _is_text(document):
        raise UsageError("the body has half a character in it, such as \\ud800, which no file and no program takes.")
    return _read(kind, document, "body")


def read_query(kind: type[N], arguments: Mapping[str, Sequence[bytes]]) -> N:
    """Return the query of a request. Of what is given twice the last counts; lists have commas between their items.

    Raises:
        UsageError: it has wrong fields; all are listed.
    """
    hints = {field.key: field.hint for field in wire_fields(kind)}
    # Jupyter's front end puts the time behind, so that nothing between takes an answer for another.
    texts = {
        key: values[-1].decode("utf-8", "replace")
        for key, values in arguments.items()
        if values and key not in _JUPYTERS_OWN and not key.isdecimal()
    }
    return _read(kind, {key: _from_text(hints.get(key), text) for key, text in texts.items()}, "query")


def _read(kind: type[N], document: Mapping[str, Any], what: str) -> N:
    fields = wire_fields(kind)
    known = [field.key for field in fields]
    problems = [problem for field in fields if (problem := _problem(field, document))]
    unknown = [key for key in document if key not in known]
    problems += [f"there is no field {key[:60]!r}. {nearest(key, known)}".rstrip() for key in unknown[:_MOST_TOLD]]
    if len(unknown) > _MOST_TOLD:
        problems.append(f"there are {len(unknown) - _MOST_TOLD} more such fields.")
    if problems:
        hint = f"Fields: {', '.join(known)}." if known else f"The {what} is empty here."
        raise UsageError(f"the {what} has wrong fields:", problems=problems, hint=hint)
    return decode(kind, document)


def _problem(field: WireField, document: Mapping[str, Any]) -> str | None:
    if field.key not in document:
        return f"{field.key} is missing: {_words(field.hint)}." if field.is_required else None
    value = document[field.key]
    if (value is None and not field.is_required) or _fits(field.hint, value):
        return None
    return f"{field.key} is {_words(field.hint)}, not {_shown(value)}."


def _fits(hint: Any, value: object) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return any(_fits(argument, value) for argument in arguments)
    if origin is tuple:
        return isinstance(value, list) and all(_fits(arguments[0], item) for item in value)
    if origin is not None:
        return isinstance(value, dict) and all(_fits(arguments[1], item) for item in value.values())
    if hint is object:
        return True
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if issubclass(hint, Enum):
        return value in [member.value for member in hint]
    if issubclass(hint, datetime):
        return isinstance(value, str) and _is_time(value)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _NUMBERS_END
    return isinstance(value, hint)


def _words(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_words(argument) for argument in arguments if argument is not type(None))
    if origin is tuple:
        return f"a list of {_MANY_WORDS[arguments[0]]}" if arguments[0] in _MANY_WORDS else "a list"
    if origin is not None:
        return f"an object of {_MANY_WORDS[arguments[1]]}" if arguments[1] in _MANY_WORDS else "an object"
    if issubclass(hint, Enum):
        return f"one of {', '.join(str(member.value) for member in hint)}"
    return "a time such as 2026-11-21T09:30:00Z" if issubclass(hint, datetime) else _WORDS.get(hint, "anything")


def _from_text(hint: Any, text: str) -> object:
    """Return what a text of the query stands for; the text itself where that is none of the type."""
    wanted = [each for each in (typing.get_args(hint) or (hint,)) if each is not type(None)]
    if typing.get_origin(hint) is tuple:
        return [part for part in text.split(",") if part]
    if bool in wanted and text in {"true", "false"}:
        return text == "true"
    digits = text.removeprefix("-")
    if int in wanted and digits.isascii() and digits.isdecimal() and len(digits) <= _LONGEST_NUMBER:
        return int(text)
    return text


def _is_text(document: object) -> bool:
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_time(text: str) -> bool:
    try:
        parse_time(text)
    except ValueError:
        return False
    return True


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}…"
