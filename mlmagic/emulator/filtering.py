"""The filter language of list calls (AIP-160): AND, OR, NOT, `-`, parentheses, =, !=, <, <=, >, >=, `:`, =~, !~.

Keys are dotted, in snake_case or camelCase, with labels by name (`labels.k`, `labels."k"`, `labels:k`, `labels.k:*`).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from mlmagic.emulator.errors import invalid

Predicate = Callable[[Mapping[str, Any]], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<operator><=|>=|!=|=~|!~|[=<>:()-](?!\d)|[=<>:()])|(?P<word>-?[^\s"'()=<>:!]+))"""
)
_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">=", ":", "=~", "!~"})
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


def parse_filter(text: str) -> Predicate:
    """Return what says whether a filter lets a document through; an empty filter lets everything.

    Raises:
        ApiError: INVALID_ARGUMENT; it cannot be read.
    """
    reader = _Reader(text)
    if reader.at_end():
        return lambda _: True
    predicate = _either(reader)
    if not reader.at_end():
        raise reader.error()
    return predicate


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._place = 0

    def at_end(self) -> bool:
        return self._place == len(self._tokens)

    def sees(self, *texts: str) -> bool:
        return not self.at_end() and self._tokens[self._place] in [(text, False) for text in texts]

    def take(self, *texts: str) -> str | None:
        return self.next()[0] if self.sees(*texts) else None

    def next(self) -> tuple[str, bool]:
        if self.at_end():
            raise self.error()
        self._place += 1
        return self._tokens[self._place - 1]

    def error(self) -> Exception:
        where = "its end" if self.at_end() else repr(self._tokens[self._place][0])
        return invalid("filter", f"Invalid filter {self._text!r}: cannot be read at {where}.")


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Yield tokens, and whether each stood in quotation marks."""
    place = 0
    while text[place:].strip():
        found = _TOKEN.match(text, place)
        if found is None:
            raise invalid("filter", f"Invalid filter {text!r}: cannot be read at {text[place:].strip()[:20]!r}.")
        if found["quoted"] is not None:
            yield re.sub(r"\\(.)", r"\1", found["quoted"][1:-1]), True
        else:
            yield found["operator"] or found["word"], False
        place = found.end()


def _either(reader: _Reader) -> Predicate:
    parts = [_all(reader)]
    while reader.take("OR"):
        parts.append(_all(reader))
    return parts[0] if len(parts) == 1 else lambda document: any(part(document) for part in parts)


def _all(reader: _Reader) -> Predicate:
    parts = [_one(reader)]
    while not reader.at_end() and not reader.sees("OR", ")"):
        reader.take("AND")
        parts.append(_one(reader))
    return parts[0] if len(parts) == 1 else lambda document: all(part(document) for part in parts)


def _one(reader: _Reader) -> Predicate:
    if reader.take("NOT", "-"):
        inner = _one(reader)
        return lambda document: not inner(document)
    if reader.take("("):
        inner = _either(reader)
        if not reader.take(")"):
            raise reader.error()
        return inner
    return _term(reader)


def _term(reader: _Reader) -> Predicate:
    key, _ = reader.next()
    # `labels."k"` comes in two pieces.
    while key.endswith("."):
        key += reader.next()[0]
    operator = reader.take(*_COMPARISONS)
    if operator is None:
        raise reader.error()
    if reader.take("("):
        return _alternatives(reader, key, operator)
    value, is_quoted = reader.next()
    return lambda document: _compare(value_at(document, key), operator, value, is_quoted)


def _alternatives(reader: _Reader, key: str, operator: str) -> Predicate:
    values = [reader.next()]
    while reader.take("OR"):
        values.append(reader.next())
    if not reader.take(")"):
        raise reader.error()
    return lambda document: any(_compare(value_at(document, key), operator, *value) for value in values)


def value_at(document: Mapping[str, Any], key: str) -> Any:
    """Return what stands at a dotted key, in snake_case or camelCase; None if nothing does."""
    return _at(document, key.split("."))


def _at(value: Any, path: list[str]) -> Any:
    """Return what stands at a dotted key; None if nothing does. Keys of labels may have dots of their own."""
    if not path:
        return value
    if not isinstance(value, Mapping):
        return None
    for length in range(len(path), 0, -1):
        name = ".".join(path[:length])
        for spelling in (name, _snake(name), _camel(name)):
            if spelling in value:
                return _at(value[spelling], path[length:])
    return None


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])[A-Z]", lambda found: "_" + found[0].lower(), name)


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def _compare(left: Any, operator: str, value: str, is_quoted: bool) -> bool:
    if operator == "!=":
        return not _compare(left, "=", value, is_quoted)
    if operator == "!~":
        return not _compare(left, "=~", value, is_quoted)
    if left is None:
        return False
    if isinstance(left, Mapping | list):
        # Of a mapping, its keys.
        return operator in {":", "="} and (value == "*" or any(_compare(one, "=", value, is_quoted) for one in left))
    if operator == "=~":
        return re.search(value, str(left)) is not None
    if operator == ":":
        return value == "*" or value.casefold() in str(left).casefold()
    one, other = _comparable(left, value)
    if operator == "=":
        return fnmatch.fnmatchcase(str(left), _only_stars(value)) if "*" in value else bool(one == other)
    return bool({"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[operator])


def _only_stars(value: str) -> str:
    return re.sub(r"[\[?]", "[\\g<0>]", value)


def _comparable(left: Any, value: str) -> tuple[Any, Any]:
    """Return both sides as numbers or times if both are, else as text."""
    if isinstance(left, bool):
        return str(left).lower(), value.lower()
    for kind in (float, _time):
        try:
            return kind(left), kind(value)
        except (ValueError, TypeError):
            continue
    return str(left), value


def _time(text: Any) -> datetime:
    if not _TIME.match(str(text)):
        raise ValueError(text)
    # Nanoseconds are more than Python reads.
    time = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(text)))
    return time if time.tzinfo else time.replace(tzinfo=UTC)
