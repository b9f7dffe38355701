"""Values: what a word gives to an argument or a flag, and what a flag has without one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from keyword import iskeyword
from typing import Any

from mlmagic.errors import UsageError
from mlmagic.magics.expansion import expand, expand_filter, variable_name
from mlmagic.magics.tables import Argument, Kind, Option
from mlmagic.magics.words import Word


def read_value(item: Argument | Option, word: Word, namespace: Mapping[str, Any]) -> Any:
    """Return the value that a word gives to an argument or an option.

    Raises:
        UsageError: it does not fit.
    """
    if item.kind is Kind.VARIABLE:
        return _variable(word)
    value = expand(word, namespace) if item.kind is not Kind.FILTER else expand_filter(word.text, namespace)
    match item.kind:
        case Kind.OBJECT:
            return value
        case Kind.COUNT:
            return _count(value)
        case Kind.INTEGER:
            return _integer(value)
        case Kind.PAIR:
            return _pair(value)
        case _ if isinstance(value, str | int | float):
            return str(value)
        case _ if hasattr(value, "__fspath__"):
            return value.__fspath__()
        case _:
            raise UsageError(f"{word.raw} is a {type(value).__name__}; a text is needed")


def _variable(word: Word) -> str:
    name = variable_name(word) or word.text
    if not name.isidentifier() or iskeyword(name):
        raise UsageError(f"{word.raw} is no name of a variable")
    return name


def _count(value: Any) -> int:
    if re.fullmatch(r"\d{1,9}", str(value), re.ASCII) and int(value) > 0:
        return int(value)
    raise UsageError(f"{value!r} is no whole number from 1")


def _integer(value: Any) -> int:
    if re.fullmatch(r"-?\d{1,9}", str(value), re.ASCII):
        return int(value)
    raise UsageError(f"{value!r} is no whole number")


def _pair(value: Any) -> tuple[str, str]:
    key, equals, text = str(value).partition("=")
    if not equals or not key:
        raise UsageError(f"{value!r} has not the form key=value")
    return key, text


def default_value(option: Option) -> Any:
    """Return the value of an option that is not given."""
    if option.kind is Kind.PAIR:
        return {}
    if option.is_repeatable:
        return []
    return False if option.kind is Kind.SWITCH else option.default


def inline(error: UsageError) -> str:
    """Return an error as one of several."""
    return " ".join(part for part in (error.message.rstrip("."), error.hint and f"({error.hint})") if part)
