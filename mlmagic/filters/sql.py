"""Tree → SQL over the table of jobs. `predicate` says the same in Python; a property test compares them.

Beyond SQLite's own functions it needs two, which `workspace.database` adds: `fold`, and `REGEXP` for `~` and for words
in text that need not be ASCII. Only there Python is called for each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from mlmagic.filters.columns import Condition, Expression, any_of, single
from mlmagic.filters.keys import Key, Kind, find
from mlmagic.filters.moments import parse_moment
from mlmagic.filters.tree import And, Filter, Node, Not, Operator, Or, Term, Value
from mlmagic.filters.values import number_in, spelled, word_of
from mlmagic.spec.text import fold

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POSITIVE = {Operator.UNEQUAL: Operator.EQUAL, Operator.DIFFERS: Operator.MATCHES}


def condition(given: Filter, now: datetime) -> Condition:
    """Return a filter as a condition on rows of the table of jobs, never NULL."""
    return _node(given.root, now)


def _node(node: Node, now: datetime) -> Condition:
    match node:
        case Not(inner):
            part = _node(inner, now)
            return Condition(f"NOT ({part.sql})", part.values)
        case And(nodes):
            return _joined([_node(inner, now) for inner in nodes], "AND")
        case Or(nodes):
            return _joined([_node(inner, now) for inner in nodes], "OR")
        case Term():
            return _term(node, now)


def _joined(parts: Sequence[Condition], word: str) -> Condition:
    if len(parts) <= 1:
        return parts[0] if parts else Condition("1" if word == "AND" else "0")
    # Balanced, since SQLite limits the depth of an expression.
    half = len(parts) // 2
    left, right = _joined(parts[:half], word), _joined(parts[half:], word)
    return Condition(f"({left.sql} {word} {right.sql})", left.values + right.values)


def _term(term: Term, now: datetime) -> Condition:
    if term.operator in _POSITIVE:
        part = _term(Term(term.key, _POSITIVE[term.operator], term.values), now)
        return Condition(f"NOT {part.sql}", part.values)
    key = find(term.key)

    def compare(expression: Expression) -> Condition:
        return _joined([_comparison(key, expression, term.operator, value, now) for value in term.values], "OR")

    if not key.is_single:
        return any_of(key, compare)
    part = compare(single(key))
    return Condition(f"IFNULL({part.sql}, 0)", part.values)


def _comparison(key: Key, left: Expression, operator: Operator, value: Value, now: datetime) -> Condition:
    if operator is Operator.HAS and value.text == "*":
        return Condition(f"{left.sql} <> ''", left.values)
    if key.kind is Kind.TIME and (found := _time(left, operator, value, now)):
        return found
    if key.kind is Kind.TIME:
        left = _time_text(left)
    if operator is Operator.MATCHES:
        return _with(left, "{} REGEXP ?", value.text)
    text = _text(left, operator, spelled(key, value))
    number = number_in(value)
    if number is None or key.kind is Kind.FLAG:
        return text
    compared = _with(left, f"{{}} {'=' if operator is Operator.HAS else operator} CAST(? AS NUMERIC)", number)
    # Compared with a number, SQLite takes text that is one for a number; other text is more than any number.
    is_number = f"{left.sql} <= CAST(9e999 AS REAL)"
    if operator is Operator.HAS:
        joined = f"(({is_number} AND {compared.sql}) OR {text.sql})"
        return Condition(joined, left.values + compared.values + text.values)
    chosen = f"CASE WHEN {is_number} THEN {compared.sql} ELSE {text.sql} END"
    return Condition(chosen, left.values + compared.values + text.values)


def _text(left: Expression, operator: Operator, text: str) -> Condition:
    folded = fold(text)
    if operator is Operator.HAS:
        word = word_of(text)
        if left.is_ascii and (glob := word.glob):
            return _with(left, "'-' || lower({}) || '-' GLOB ?", glob)
        return _with(left, "fold({}) REGEXP ?", word.pattern)
    if operator is Operator.EQUAL:
        return _with(left, "{} = ? COLLATE NOCASE" if left.is_ascii else "fold({}) = ?", folded)
    # Any number is less than any text to SQLite, but what is quoted is compared as text.
    return _with(left, f"CAST({{}} AS TEXT) {operator} ?", text)


def _time(left: Expression, operator: Operator, value: Value, now: datetime) -> Condition | None:
    """Compare a time with a time; None where it is its text that counts."""
    moment = None if operator is Operator.MATCHES else parse_moment(value.text)
    if moment is None:
        return None
    interval = moment.at(now)
    start, end = _micros(interval.start), _micros(interval.end)
    if operator in {Operator.EQUAL, Operator.HAS}:
        return Condition(f"({left.sql} >= ? AND {left.sql} < ?)", (start, end))
    return Condition(f"{left.sql} {operator} ?", (start,))


def _time_text(left: Expression) -> Expression:
    date = f"strftime('%Y-%m-%dT%H:%M:%S', {left.sql} / 1000000, 'unixepoch')"
    return Expression(f"({date} || printf('.%06dZ', {left.sql} % 1000000))")


def _micros(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


def _with(left: Expression, template: str, value: str) -> Condition:
    return Condition(template.format(left.sql), (*left.values, value))
