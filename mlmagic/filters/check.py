"""Whether a value can be compared as a term says; what can only be a mistake is told, not just never found."""

from __future__ import annotations

import re
import warnings

from mlmagic.errors import nearest
from mlmagic.filters.keys import Key, Kind
from mlmagic.filters.moments import parse_moment
from mlmagic.filters.tree import Operator, Value
from mlmagic.filters.values import number_of, spelled, word_of

Problem = tuple[str, str | None]

_ORDERED = frozenset({Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST})
_EXACT = frozenset({Operator.EQUAL, Operator.UNEQUAL})


def check_term(key: Key, operator: Operator, value: Value) -> Problem | None:
    """Return what is wrong and what to write instead, or None."""
    if operator is Operator.HAS:
        return _check_word(value)
    if operator in {Operator.MATCHES, Operator.DIFFERS}:
        return _check_pattern(value.text)
    if key.kind is Kind.TIME and parse_moment(value.text) is None:
        return f"{key.name} is a time, and {value.text!r} is none", _instead_of_time(value.text)
    if key.kind is Kind.NUMBER and operator in _ORDERED and number_of(value.text) is None:
        return f"{key.name} is a number, and {value.text!r} is none", None
    if operator in _EXACT and key.choices:
        return _check_choice(key, value)
    return None


def _check_word(value: Value) -> Problem | None:
    if value.text == "*":
        return None
    if "*" in value.text[:-1]:
        return (
            f"a * stands at the end of a word, not within {value.text!r}",
            f"Use a regular expression: ~{'.*'.join(map(re.escape, value.text.split('*')))!r}",
        )
    if not word_of(value.text).text:
        return "expected a word", 'For what is defined write key:*, for empty text key="".'
    return None


def _check_pattern(text: str) -> Problem | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        return f"{text!r} is not a regular expression: {error}", f"To find it as it stands: {re.escape(text)}"
    return None


def _instead_of_time(text: str) -> str:
    match = re.fullmatch(r"([+-]?)(\d+)([smhdw])", text, re.ASCII | re.IGNORECASE)
    if match is None:
        return "Write a date such as 2026-01-31 or 2026-01-31T12:00:00Z, or a duration from now: -P2W, -PT1H."
    unit = match[3].upper()
    return f"Did you mean {match[1] or '-'}P{'' if unit in 'DW' else 'T'}{match[2]}{unit}?"


def _check_choice(key: Key, value: Value) -> Problem | None:
    text = spelled(key, value)
    if text.lower() in {choice.lower() for choice in key.choices}:
        return None
    hint = nearest(text, key.choices) or f"There are {', '.join(key.choices)}."
    return f"no job has the {key.name} {value.text!r}", hint
