"""What `spec.codec.encode` makes of a noun's fields, for those who describe the wire format to others."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mlmagic.spec.noun import Noun


@dataclass(frozen=True, slots=True)
class WireField:
    """A field of a noun as JSON has it."""

    name: str
    """In the noun."""
    key: str
    """In JSON."""
    hint: Any
    """Its type; without None where None is what is left out."""
    is_left_out: bool
    """It is not there while it is None or empty."""
    is_required: bool
    """It has no default."""


def wire_fields(kind: type[Noun]) -> tuple[WireField, ...]:
    """Return the fields of a noun, in its order."""
    hints = typing.get_type_hints(kind)
    return tuple(_wire_field(field, hints[field.name]) for field in dataclasses.fields(kind) if field.name != "extra")


def reachable(*roots: type) -> list[type]:
    """Return these nouns and all nouns and enums that are within them, by name."""
    found: set[type] = set()
    waiting = list(roots)
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found.add(kind)
            if issubclass(kind, Noun):
                waiting += [named for field in wire_fields(kind) for named in _named(field.hint)]
    return sorted(found, key=lambda kind: kind.__name__)


def _wire_field(field: dataclasses.Field[Any], hint: Any) -> WireField:
    head, *tail = field.name.split("_")
    key = head + "".join(word.capitalize() for word in tail)
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return WireField(field.name, key, hint, is_left_out=False, is_required=True)
    default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    if default is None:
        return WireField(field.name, key, _without_none(hint), is_left_out=True, is_required=False)
    is_left_out = isinstance(default, tuple | Mapping) and not default
    return WireField(field.name, key, hint, is_left_out=is_left_out, is_required=False)


def _without_none(hint: Any) -> Any:
    others = [each for each in typing.get_args(hint) if each is not type(None)]
    return typing.Union[tuple(others)]  # noqa: UP007 - put together at run time


def _named(hint: Any) -> Iterator[type]:
    if arguments := typing.get_args(hint):
        for argument in arguments:
            yield from _named(argument)
    elif isinstance(hint, type) and issubclass(hint, Noun | Enum):
        yield hint
