"""The type of a flag, from an annotation or from a default value."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

_NAMES = {"int": "int", "float": "float", "str": "str", "bool": "bool", "Path": "Path", "PathLike": "str"}
_SEQUENCES = frozenset({"list", "List", "tuple", "Tuple", "Sequence", "Iterable", "Collection", "MutableSequence"})
_WRAPPERS = frozenset({"Optional", "Final"})
# A text that says how a parameter is searched; any other one in `Annotated` says something to somebody else.
_SEARCH = re.compile(r"\s*(?:[\w-]+\s*:\s*)*[\d.eE+-]+\s*(?:\.\.|;)|[^|]*\|", re.ASCII)
# What is meant so, and has no form that there is: it is refused where it is read. `int: how many` is a remark.
_MISTYPED = re.compile(r"\s*(?:linear|log|reverse[_-]log|integer|int|double|float)\s*:(?:\S|\s*[\d.+-])", re.IGNORECASE)
_NUMBERS = re.compile(r"(?=\D*\d)[\d\s.,;:/eE+\u2013\u2026()\[\]-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagType:
    """`name` is `int`, `float`, `str`, `bool` or `Path`: of the value, or of each of its items."""

    name: str
    repeated: bool = False
    choices: tuple[object, ...] | None = None
    search: str | None = None
    """The values that tuning tries: the text of `Annotated[float, "log:1e-4..1e-1"]`."""


def annotated_type(node: ast.expr | None, aliases: Mapping[str, ast.expr]) -> FlagType | None:
    """Return the type that an annotation describes, or None where no flag can have it.

    Args:
        node: the annotation.
        aliases: values of the module's names, for `Optimizer = Literal["adam", "sgd"]`.
    """
    match node:
        case ast.Constant(value=str(text)):
            return _parsed(text, aliases)
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _NAMES:
            return FlagType(name=_NAMES[name])
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _SEQUENCES:
            return FlagType(name="str", repeated=True)
        case ast.Name(id=name) if name in aliases:
            return annotated_type(aliases[name], {key: value for key, value in aliases.items() if key != name})
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union([left, right], aliases)
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _subscript(name, inner.elts if isinstance(inner, ast.Tuple) else [inner], aliases)
    return None


def _parsed(text: str, aliases: Mapping[str, ast.expr]) -> FlagType | None:
    try:
        return annotated_type(ast.parse(text, mode="eval").body, aliases)
    except SyntaxError:
        return None


def _subscript(name: str, arguments: list[ast.expr], aliases: Mapping[str, ast.expr]) -> FlagType | None:
    if name == "Literal":
        return _literal(arguments)
    if name == "Union":
        return _union(arguments, aliases)
    if name in _WRAPPERS:
        return annotated_type(arguments[0], aliases)
    if name == "Annotated":
        return _annotated(arguments, aliases)
    if name in _SEQUENCES:
        items = [item for item in arguments if not (isinstance(item, ast.Constant) and item.value is ...)]
        item = _union(items, aliases)
        return None if item is None or item.repeated or item.name == "bool" else replace(item, repeated=True)
    return None


def _literal(arguments: list[ast.expr]) -> FlagType | None:
    try:
        values = [ast.literal_eval(argument) for argument in arguments]
    except ValueError:
        return None
    choices = tuple(value for value in values if value is not None)
    kinds = {type(value).__name__ for value in choices}
    if kinds == {"bool"}:
        return FlagType(name="bool")
    return FlagType(name=kinds.pop(), choices=choices) if kinds in ({"int"}, {"str"}) else None


def _annotated(arguments: list[ast.expr], aliases: Mapping[str, ast.expr]) -> FlagType | None:
    kind = annotated_type(arguments[0], aliases)
    texts = [item.value for item in arguments[1:] if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    search = next((text for text in texts if kind is not None and _tells_values(text, kind)), None)
    return kind if kind is None or search is None else replace(kind, search=search)


def _tells_values(text: str, kind: FlagType) -> bool:
    if _SEARCH.match(text) or _MISTYPED.match(text):
        return True
    return kind.name in {"int", "float"} and _NUMBERS.fullmatch(text) is not None


def _union(arguments: list[ast.expr], aliases: Mapping[str, ast.expr]) -> FlagType | None:
    """Return the type that holds all: float for `int | float`, str for `str | Path`. None does not count."""
    kinds = {annotated_type(item, aliases) for item in arguments if not _is_none(item)}
    if len(kinds) == 1:
        return kinds.pop()
    kinds = {replace(kind, search=None) if kind else None for kind in kinds}
    for pair in (("float", "int"), ("str", "Path")):
        if kinds == {FlagType(name=name) for name in pair}:
            return FlagType(name=pair[0])
    return None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (None, "None")


def value_type(value: object) -> FlagType | None:
    """Return the type of a default value, or None where no flag can have it; None itself could be anything."""
    match value:
        case bool():
            return FlagType(name="bool")
        case int() | float() | str():
            return FlagType(name=type(value).__name__)
        case PurePath():
            return FlagType(name="Path")
        case list() | tuple():
            return _items_type(value)
    return None


def _items_type(items: list[object] | tuple[object, ...]) -> FlagType | None:
    kinds = {kind for kind in map(value_type, items) if kind}
    if not items:
        return FlagType(name="str", repeated=True)
    if kinds == {FlagType(name="int"), FlagType(name="float")}:
        return FlagType(name="float", repeated=True)
    if len(kinds) != 1 or None in map(value_type, items) or (kind := kinds.pop()).repeated or kind.name == "bool":
        return None
    return replace(kind, repeated=True)
