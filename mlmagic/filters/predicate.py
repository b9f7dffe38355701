"""Tree → yes or no for a record. `sql` says the same in SQL; a property test compares them.

What is undefined has no word, equals nothing, and is neither less nor more; only `!=`, `!~` and NOT let it through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from mlmagic.filters.keys import Key, Kind, find
from mlmagic.filters.moments import parse_moment
from mlmagic.filters.tree import And, Filter, Node, Not, Operator, Or, Term, Value
from mlmagic.filters.values import number_in, number_of, spelled, word_of
from mlmagic.spec.codec import parse_time
from mlmagic.spec.text import contains, fold, text_of

Scalar = str | int | float


def matches(given: Filter, document: Mapping[str, Any], now: datetime) -> bool:
    """Say whether a filter lets a record through; `document` is the record as the codec encodes it."""
    return _node(given.root, document, now)


def values_of(key: Key, document: Mapping[str, Any]) -> list[Scalar]:
    """Return the defined values of a key: one at most, unless it leads to a list or to a whole mapping."""
    if key.member is not None:
        return [_scalar(found[key.member]) for found in _at(document, key.path) if key.member in found]
    if key.is_mapping:
        return [value for found in _at(document, key.path) for pair in found.items() for value in map(_scalar, pair)]
    return [_scalar(value) for value in _at(document, key.path)]


def _at(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _at(item, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and value.get(path[0]) is not None:
        yield from _at(value[path[0]], path[1:])


def _scalar(value: Any) -> Scalar:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value  # type: ignore[no-any-return]


def _node(node: Node, document: Mapping[str, Any], now: datetime) -> bool:
    match node:
        case Not(inner):
            return not _node(inner, document, now)
        case And(nodes):
            return all(_node(inner, document, now) for inner in nodes)
        case Or(nodes):
            return any(_node(inner, document, now) for inner in nodes)
        case Term(name, Operator.UNEQUAL, values):
            return not _node(Term(name, Operator.EQUAL, values), document, now)
        case Term(name, Operator.DIFFERS, values):
            return not _node(Term(name, Operator.MATCHES, values), document, now)
        case Term(name, operator, values):
            key = find(name)
            found = values_of(key, document)
            return any(_compare(key, left, operator, value, now) for left in found for value in values)


def _compare(key: Key, left: Scalar, operator: Operator, value: Value, now: datetime) -> bool:
    if operator is Operator.HAS and value.text == "*":
        return left != ""
    if operator is Operator.MATCHES:
        return contains(value.text, left)
    if key.kind is Kind.TIME and (moment := parse_moment(value.text)):
        interval, time = moment.at(now), parse_time(str(left))
        if operator in {Operator.EQUAL, Operator.HAS}:
            return interval.start <= time < interval.end
        return _order(time, operator, interval.start)
    right = None if (typed := number_in(value)) is None else number_of(typed)
    number = number_of(left) if isinstance(left, str) else left
    are_numbers = right is not None and number is not None and key.kind is not Kind.FLAG
    text = spelled(key, value)
    if operator is Operator.HAS:
        return (are_numbers and number == right) or contains(word_of(text).pattern, fold(left))
    if operator is Operator.EQUAL:
        return number == right if are_numbers else fold(left) == fold(text)
    return _order(number, operator, right) if are_numbers else _order(text_of(left), operator, text)


def _order(left: Any, operator: Operator, right: Any) -> bool:
    match operator:
        case Operator.LESS:
            return bool(left < right)
        case Operator.AT_MOST:
            return bool(left <= right)
        case Operator.GREATER:
            return bool(left > right)
        case _:
            return bool(left >= right)
