"""`$name` and `{expr}` in a magic's line: only whole words, and never silently left as they are."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from mlmagic.errors import UsageError, nearest
from mlmagic.magics.words import Word

_NAME = re.compile(r"\$([^\W\d]\w*)")
# What is more than a name: `$rows[:5]`, `$rows.head()`.
_MORE = re.compile(r"\$([^\W\d]\w*)[.\[(]")
# In a filter: what is quoted, `$$`, and `$name` that stands alone between operators, parentheses and blanks.
_FILTER_VALUE = re.compile(
    r"""(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<dollars>\$\$)"""
    r"""|(?<![^\s(,=:<>~])\$(?P<name>[^\W\d]\w*)(?![^\s),])"""
)


def expand(word: Word, namespace: Mapping[str, Any]) -> Any:
    """Return the object that `$name` or `{expr}` stands for; of any other word, its text.

    Raises:
        UsageError: there is no such name, or the expression fails.
    """
    if word.is_quoted:
        return word.text
    if name := variable_name(word):
        return lookup(name, namespace)
    if word.text.startswith("{") and word.text.endswith("}"):
        return _evaluate(word.text, namespace)
    if (more := _MORE.match(word.text)) and more[1] in namespace:
        raise UsageError(
            f"{word.text} is more than a name, and only names are replaced.",
            hint=f"An expression needs braces: {{{word.text[1:]}}}. To pass it as text: '{word.text}'",
        )
    return word.text.removeprefix("$") if word.text.startswith("$$") else word.text


def expand_program_word(word: Word, namespace: Mapping[str, Any]) -> str:
    """Return the text of a program argument: only a whole `$name` is replaced, by a string, number or path.

    Raises:
        UsageError: there is no such name, or its object cannot be told in one word.
    """
    name = None if word.is_quoted else variable_name(word)
    if name is None:
        return word.text.removeprefix("$") if word.text.startswith("$$") and not word.is_quoted else word.text
    value = lookup(name, namespace)
    value = value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value
    if isinstance(value, str | int | float | os.PathLike):
        return os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    raise UsageError(
        f"${name} is a {type(value).__name__}; after -- it must be a string, a number or a path, for it becomes text.",
        hint=f"To ship a DataFrame or an array as a data file: --with {name}",
    )


def expand_filter(text: str, namespace: Mapping[str, Any]) -> str:
    """Return a filter with each value that is exactly `$name` replaced; a filter that is `$name` is the text itself.

    What stands between the filter's own double quotes stays as it is, and `$$` is a dollar sign.

    Raises:
        UsageError: there is no such name, or its object cannot be told in a filter.
    """
    if match := _NAME.fullmatch(text):
        value = lookup(match[1], namespace)
        if isinstance(value, str):
            return value

    def replaced(match: re.Match[str]) -> str:
        if match["name"] is None:
            return "$" if match["dollars"] else match[0]
        return _filter_value(match["name"], lookup(match["name"], namespace))

    return _FILTER_VALUE.sub(replaced, text)


def _filter_value(name: str, value: Any) -> str:
    value = value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str() | os.PathLike():
            escaped = re.sub(r'[\\"]', r"\\\g<0>", os.fspath(value))
            return f'"{escaped}"'
        case _ if hasattr(value, "isoformat"):
            return f'"{value.isoformat()}"'
        case list() | tuple() | set() | frozenset():
            return f"({' '.join(_filter_value(name, item) for item in value)})"
    raise UsageError(f"${name} is a {type(value).__name__}; in a filter it must be text, a number, a time or a list.")


def variable_name(word: Word) -> str | None:
    """Return the name if the word is exactly `$name`."""
    match = None if word.is_quoted else _NAME.fullmatch(word.text)
    return match[1] if match else None


def lookup(name: str, namespace: Mapping[str, Any]) -> Any:
    """Return the object of that name.

    Raises:
        UsageError: there is none; names the nearest.
    """
    if name not in namespace:
        known = [known for known in namespace if not known.startswith("_")]
        raise UsageError(
            f"the notebook has no name {name!r}.",
            hint=nearest(name, known) or f"To pass it as text: '${name}' or $${name}",
        )
    return namespace[name]


def _evaluate(text: str, namespace: Mapping[str, Any]) -> Any:
    expression = text[1:-1].strip()
    try:
        code = compile(expression, "<magic>", "eval")
    except (SyntaxError, ValueError) as error:
        raise UsageError(
            f"{text} is not an expression in braces: {getattr(error, 'msg', error)}.",
            hint=f"To pass it as text: '{text}'; a dict needs its own braces: {{{text}}}",
        ) from None
    try:
        # The notebook's own expression, in the notebook's own namespace: the same as a cell that holds it.
        return eval(code, dict(namespace))  # noqa: S307
    except Exception as error:
        raise UsageError(f"{text} failed: {type(error).__name__}: {error}") from error
