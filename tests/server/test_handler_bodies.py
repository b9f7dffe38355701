from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from mlmagic.errors import UsageError
from mlmagic.server.handler_bodies import MOST_BYTES, read_body, read_query
from mlmagic.spec.log import Severity
from mlmagic.spec.noun import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish(Noun):
    version: int
    min_improvement: str | float | None = None
    shares: Mapping[str, int] | None = None
    names: tuple[str, ...] = ()
    is_dry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(Noun):
    first: int = 0
    from_: int | None = None
    case: bool = False
    text: str | None = None
    severity: Severity | None = None
    ids: tuple[str, ...] = ()
    after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing(Noun):
    pass


def test_a_body_becomes_a_noun() -> None:
    body = b'{"version": 2, "minImprovement": "1%", "shares": {"2": 80}, "names": ["a"], "isDry": true}'
    assert read_body(Wish, body) == Wish(version=2, min_improvement="1%", shares={"2": 80}, names=("a",), is_dry=True)


def test_what_may_be_left_out_may_be_null() -> None:
    assert read_body(Wish, b'{"version": 1, "minImprovement": null}') == Wish(version=1)


def test_a_character_may_be_written_as_two_halves() -> None:
    assert read_body(Wish, b'{"version": 1, "names": ["\\ud83d\\ude95"]}').names == ("\N{TAXI}",)


def test_no_body_is_an_empty_one() -> None:
    assert read_body(Nothing, b"") == read_body(Nothing, b"{}") == Nothing()


def test_all_wrong_fields_are_told_at_once() -> None:
    body = b'{"minImprovment": 1, "minImprovement": [1], "shares": {"2": "80"}, "names": "a", "isDry": 1, "x": 0}'
    with pytest.raises(UsageError) as raised:
        read_body(Wish, body)
    assert raised.value.message == "the body has wrong fields:"
    assert raised.value.problems == (
        "version is missing: a whole number.",
        "minImprovement is text or a number, not [1].",
        'shares is an object of whole numbers, not {"2": "80"}.',
        'names is a list of texts, not "a".',
        "isDry is true or false, not 1.",
        "there is no field 'minImprovment'. Did you mean minImprovement?",
        "there is no field 'x'.",
    )
    assert raised.value.hint == "Fields: version, minImprovement, shares, names, isDry."


def test_a_body_that_is_too_long_is_not_read() -> None:
    with pytest.raises(UsageError, match=r"the body has .* up to .* is taken"):
        read_body(Wish, b" " * (MOST_BYTES + 1))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"version": true}', "version is a whole number, not true."),
        (b'{"version": 1.5}', "version is a whole number, not 1.5."),
        (b'{"version": 1000000000000000}', "version is a whole number, not 1000000000000000."),
        (b'{"version": null}', "version is a whole number, not null."),
        (b'{"version": "%s"}' % (b"x" * 100), f'version is a whole number, not "{"x" * 59}….'),
    ],
)
def test_a_whole_number_is_nothing_else(body: bytes, problem: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_body(Wish, body)
    assert raised.value.problems == (problem,)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "the body is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)."),
        (
            b'{"names": ["\\ud800"]}',
            "the body has half a character in it, such as \\ud800, which no file and no program takes.",
        ),
        (b"[1]", "the body is a JSON object, not [1]."),
        (b"\xff", "the body is not JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte."),
        (b"[" * 100_000, "the body is not JSON: it is nested too deeply."),
    ],
)
def test_a_body_is_a_json_object(body: bytes, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_body(Wish, body)
    assert str(raised.value) == message


def test_who_takes_no_fields_says_so() -> None:
    with pytest.raises(UsageError) as raised:
        read_body(Nothing, b'{"now": true}')
    assert raised.value.problems == ("there is no field 'now'.",)
    assert raised.value.hint == "The body is empty here."


def test_of_very_many_wrong_fields_the_first_are_told() -> None:
    with pytest.raises(UsageError) as raised:
        read_body(Nothing, json.dumps(dict.fromkeys(map(str, range(30)))).encode())
    assert raised.value.problems[-2:] == ("there is no field '19'.", "there are 10 more such fields.")


def test_a_query_becomes_a_noun() -> None:
    query = {
        "first": [b"-200"],
        "from": [b"3"],
        "case": [b"true"],
        "text": [b"12"],
        "severity": [b"error"],
        "ids": [b"a,b"],
        "after": [b"2026-01-31T00:00:00Z"],
    }
    assert read_query(Look, query) == Look(
        first=-200,
        from_=3,
        case=True,
        text="12",
        severity=Severity.ERROR,
        ids=("a", "b"),
        after=datetime(2026, 1, 31, tzinfo=UTC),
    )


def test_what_jupyter_puts_into_a_query_is_none_of_ours() -> None:
    assert read_query(Look, {"1764000000000": [b""], "token": [b"secret"], "_xsrf": [b"x"]}) == Look()


def test_all_that_is_wrong_in_a_query_is_told_at_once() -> None:
    query = {"first": [b"1e9"], "case": [b"yes"], "severity": [b"bad"], "after": [b"now"], "form": [b"3"]}
    with pytest.raises(UsageError) as raised:
        read_query(Look, query)
    assert raised.value.message == "the query has wrong fields:"
    assert raised.value.problems == (
        'first is a whole number, not "1e9".',
        'case is true or false, not "yes".',
        'severity is one of error, warning, info, none, not "bad".',
        'after is a time such as 2026-11-21T09:30:00Z, not "now".',
        "there is no field 'form'. Did you mean from?",
    )
