"""How values are typed, read and written."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmagic.errors import UsageError
from mlmagic.spec.space_rules import parameter_problems
from mlmagic.spec.space_text import name_text, parse_values, parse_word, quoted, split_unquoted, values_text
from mlmagic.spec.study import Condition, Parameter, ParameterKind, Scale

DOUBLE, INTEGER = ParameterKind.DOUBLE, ParameterKind.INTEGER
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SCALES = st.sampled_from([None, *Scale])


def bounded(kind: ParameterKind, low: float, high: float, scale: Scale | None = None) -> Parameter:
    return Parameter(name="x", kind=kind, minimum=low, maximum=high, scale=scale)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("16..256", bounded(INTEGER, 16, 256)),
        (" -3 .. +4 ", bounded(INTEGER, -3, 4)),
        ("0.0..0.5", bounded(DOUBLE, 0, 0.5)),
        ("0..0.5", bounded(DOUBLE, 0, 0.5)),
        ("0...5", bounded(DOUBLE, 0, 0.5)),
        ("double:16..256", bounded(DOUBLE, 16, 256)),
        ("Float: 1..2", bounded(DOUBLE, 1, 2)),
        ("int:1e1..1e3", bounded(INTEGER, 10, 1000)),
        ("log:1e-4..1e-1", bounded(DOUBLE, 1e-4, 0.1, Scale.LOG)),
        ("log:int:1e1..1e3", bounded(INTEGER, 10, 1000, Scale.LOG)),
        ("reverse-log:0.1..1.0", bounded(DOUBLE, 0.1, 1, Scale.REVERSE_LOG)),
        ("linear:1..2", bounded(INTEGER, 1, 2, Scale.LINEAR)),
    ],
)
def test_ranges(text: str, expected: Parameter) -> None:
    assert parse_values("x", text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("relu|tanh", ("relu", "tanh")),
        (" true | false ", ("true", "false")),
        ("128 64|64", ("128 64", "64")),
        ("'a,b'|\"c|d\"|'it''s'|it's|''", ("a,b", "c|d", "it's", "it's", "")),
        ("gs://a|gs://b", ("gs://a", "gs://b")),
        ("a..b|1;2", ("a..b", "1;2")),
        ("'log:a'|b", ("log:a", "b")),
    ],
)
def test_words(text: str, words: tuple[str, ...]) -> None:
    assert parse_values("x", text) == Parameter(name="x", kind=ParameterKind.CATEGORICAL, categories=words)


@pytest.mark.parametrize(("text", "scale"), [("32;64; 1e2", None), ("log:32;64;100", Scale.LOG)])
def test_numbers(text: str, scale: Scale | None) -> None:
    numbers = (32.0, 64.0, 100.0)
    assert parse_values("x", text) == Parameter(name="x", kind=ParameterKind.DISCRETE, numbers=numbers, scale=scale)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "there are no values"),
        ("5", "'5' is nothing to choose from; a fixed value is given after --, as --x=5"),
        ("log:relu", "'relu' is nothing to choose from; a fixed value is given after --, as --x=relu"),
        ("lgo:1..2", "lgo: is not known. Did you mean log?"),
        ("log:log:1..2", "log: is too much behind log:"),
        ("log:linear:1..2", "linear: is too much behind log:"),
        ("1..", "the upper bound of '1..' is missing"),
        ("..1", "the lower bound of '..1' is missing"),
        ("1..2..3", "'1..2..3' has more than two bounds; numbers one by one are 16;32;64"),
        ("1..ten", "'ten' is not a number"),
        ("1..nan", "'nan' is not a number"),
        ("1_0..20", "'1_0' is not a number"),
        ("1;two", "'two' is not a number"),
        ("1;", "a number is missing"),
        ("double:1;2", "double: is for a range, not for numbers one by one"),
        ("log:a|b", "log: does not go with words; leave it out, or quote the word that it belongs to"),
        ("a||b", "a word is missing between the bars; the empty one is ''"),
        ("'a|b", "its quote is not closed"),
        ("'a'b|c", "the quote of \"'a'b\" does not end where the word does"),
    ],
)
def test_what_cannot_be_read(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_values("x", text)
    assert caught.value.message == told


def test_a_long_text_is_told_in_part_and_read_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        parse_values("x", f"0..{'9' * 100_000}")
    assert len(caught.value.message) < 100


def test_parts_are_split_outside_of_quotes() -> None:
    assert split_unquoted("a='x,y'|it's,b=2", ",") == [(0, "a='x,y'|it's"), (13, "b=2")]
    assert split_unquoted("", ",") == [(0, "")]


@given(st.text())
def test_a_quoted_word_is_read_as_it_was(word: str) -> None:
    assert parse_word(quoted(word)) == word
    assert split_unquoted(f"{quoted(word)}|b", "|") == [(0, quoted(word)), (len(quoted(word)) + 1, "b")]


def ranges() -> st.SearchStrategy[Parameter]:
    whole = st.integers(-(2**53), 2**53).map(float)
    return st.one_of(
        st.builds(bounded, st.just(DOUBLE), NUMBERS, NUMBERS, SCALES),
        st.builds(bounded, st.just(INTEGER), whole, whole, SCALES),
    )


def lists() -> st.SearchStrategy[Parameter]:
    def make(**values: Any) -> Parameter:
        kind = ParameterKind.CATEGORICAL if "categories" in values else ParameterKind.DISCRETE
        return Parameter(name="x", kind=kind, **values)

    return st.one_of(
        st.builds(make, categories=st.lists(st.text(), min_size=2, max_size=5).map(tuple)),
        st.builds(make, numbers=st.lists(NUMBERS, min_size=2, max_size=5).map(tuple), scale=SCALES),
    )


@given(st.one_of(ranges(), lists()))
def test_what_is_written_is_read_as_it_was(parameter: Parameter) -> None:
    text = values_text(parameter)
    if parameter.kind is ParameterKind.INTEGER:
        text = f"int:{text}"
    assert parse_values("x", text) == parameter
    assert isinstance(parameter_problems(parameter), list)


@given(st.text(alphabet="ab'\"|;.:, 0123e-log_", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert parse_values("x", text).name == "x"


def test_a_name_is_written_with_its_condition() -> None:
    parameter = bounded(DOUBLE, 0, 1)
    condition = Condition(parameter="optimizer", values=("sgd", "a|b"))
    assert name_text(parameter) == "x"
    assert name_text(dataclasses.replace(parameter, condition=condition)) == "x[optimizer=sgd|'a|b']"
