"""The keys that a filter may name: the fields of a job's record and spec, found in the nouns themselves.

Each has one spelling here, the shortest: `displayName` for `spec.displayName`, `scaleTier` for
`spec.resources.scaleTier`; longer ones, those of ML Engine, and snake_case mean the same.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto
from functools import cache
from typing import Any

from mlmagic.errors import UsageError, nearest
from mlmagic.spec.job import JobRecord
from mlmagic.spec.noun import Noun

_ALIASES = {
    "jobId": "id",
    "name": "displayName",
    "status": "state",
    "errorMessage": "error.message",
    "error": "error.message",
    "trainingInput.scaleTier": "scaleTier",
    "trainingInput.args": "args",
    "version": "modelVersion",
}

_PARENTS = ("spec.resources.workerPools.", "spec.resources.", "spec.")
"""What may be left out at the beginning of a path, the longest first."""


class Kind(StrEnum):
    """How the values of a key compare."""

    TEXT = auto()
    NUMBER = auto()
    FLAG = auto()
    """True or false."""
    TIME = auto()
    CHOICE = auto()
    """One of a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Where the values of a key are."""

    name: str
    """The spelling of `Term.key`."""
    path: tuple[str, ...]
    """In the record as the codec encodes it. Of a list each item counts, of a mapping also each name."""
    kind: Kind = Kind.TEXT
    choices: tuple[str, ...] = ()
    items: int | None = None
    """How much of the path leads to a list."""
    is_mapping: bool = False
    """Free names stand below it."""
    member: str | None = None
    """The free name."""

    @property
    def is_single(self) -> bool:
        """It has one value at most, so jobs can be sorted by it."""
        return self.items is None and (not self.is_mapping or self.member is not None)


def find(text: str) -> Key:
    """Return the key that a user means.

    Raises:
        UsageError: there is none; names the nearest.
    """
    table = all_keys()
    name = _camel(text)
    if name in table:
        return table[name]
    for mapping, key in table.items():
        if key.is_mapping and (member := _below(text, mapping)):
            return dataclasses.replace(key, name=f"{key.name}.{member}", member=member)
    raise UsageError(f"there is no key {text!r}.", hint=_near(text, name, table))


def _near(text: str, name: str, table: Mapping[str, Key]) -> str:
    if parts := sorted({key.name for path, key in table.items() if path.startswith(f"{name}.")}):
        return f"{text!r} has parts: {', '.join(parts)}."
    known = {spelling.lower(): spelling for spelling in table if not spelling.startswith("spec.")}
    if name.lower() in known:
        return f"Did you mean {known[name.lower()]}?"
    return nearest(name, known.values()) or (
        "Keys are those of a job's record, such as jobId, displayName, state, createTime, scaleTier, labels.NAME, "
        "flags.NAME and metrics.NAME."
    )


def _below(text: str, mapping: str) -> str | None:
    """Return the free name below a mapping's path; names are kept as they are typed."""
    pattern = r"\.".join(re.sub(r"([A-Z])", r"(?:\1|_(?i:\1))", part) for part in mapping.split("."))
    match = re.fullmatch(rf"{pattern}\.(.+)", text, re.DOTALL)
    return match[1] if match else None


def _camel(text: str) -> str:
    return re.sub(r"(?<=[a-z0-9])_([a-z])", lambda match: match[1].upper(), text)


@cache
def all_keys() -> Mapping[str, Key]:
    """Return the keys by each of their spellings, without the free names."""
    table: dict[str, Key] = {}
    for path, key in _walk(JobRecord, ()):
        full = ".".join(path)
        short = next((full.removeprefix(parent) for parent in _PARENTS if full.startswith(parent)), full)
        named = dataclasses.replace(key, name=short)
        for parent in ("", *_PARENTS):
            table.setdefault(full.removeprefix(parent), named)
    return table | {alias: table[name] for alias, name in _ALIASES.items()}


def _walk(noun: type[Noun], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Key]]:
    hints = typing.get_type_hints(noun)
    for field in dataclasses.fields(noun):
        if field.name != "extra":
            yield from _keys_of(hints[field.name], (*path, _camel(field.name)))


def _keys_of(hint: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Key]]:
    hint = _without_none(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        for inner, key in _keys_of(arguments[0], path):
            yield inner, dataclasses.replace(key, items=len(path))
    elif origin is not None:
        yield path, Key(name="", path=path, kind=_kind(arguments[1]), is_mapping=True)
    elif issubclass(hint, Noun):
        yield from _walk(hint, path)
    else:
        choices = tuple(str(choice.value) for choice in hint) if issubclass(hint, Enum) else ()
        yield path, Key(name="", path=path, kind=_kind(hint), choices=choices)


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return next(argument for argument in typing.get_args(hint) if argument is not type(None))
    return hint


def _kind(hint: type[Any]) -> Kind:
    for kinds, kind in ((Enum, Kind.CHOICE), (bool, Kind.FLAG), ((int, float), Kind.NUMBER), (datetime, Kind.TIME)):
        if issubclass(hint, kinds):
            return kind
    return Kind.TEXT
