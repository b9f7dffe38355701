from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmagic.errors import UsageError
from mlmagic.magics.words import Word, split


@given(st.text(alphabet="ab -='\"\\\t$", max_size=20))
def test_words_are_those_of_shlex(line):
    try:
        expected = shlex.split(line)
    except ValueError:
        with pytest.raises(UsageError):
            split(line)
    else:
        assert [word.text for word in split(line)] == expected


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("taxi {a + b}", ["taxi", "{a + b}"]),
        ("{d['}']} x", ["{d['}']}", "x"]),
        ("--timeout={2 * n} x", ["--timeout={2 * n}", "x"]),
        ('"{a b}"', ["{a b}"]),
        ("-- {a b}", ["--", "{a", "b}"]),
        ("a{b c}", ["a{b", "c}"]),
    ],
)
def test_an_unquoted_brace_is_one_word_before_the_program(line, words):
    assert [word.text for word in split(line)] == words


def test_quoting_is_noted():
    assert split("'$a' \\$b $c") == [
        Word("$a", "'$a'", is_quoted=True),
        Word("$b", "\\$b", is_quoted=True),
        Word("$c", "$c"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("taxi 'abc", "the quote 'abc is not closed."),
        ("taxi {a[0}", "the brace {a[0} is not closed.\nQuote it to pass it as it is."),
        ("taxi \\", "the line ends with a backslash, and no line follows."),
    ],
)
def test_what_is_not_closed(line, message):
    with pytest.raises(UsageError) as caught:
        split(line)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "is_flag"), [("--wait", True), ("-f", True), ("-5", False), ("--", False), ("-", False)]
)
def test_flags_are_told_from_numbers(text, is_flag):
    assert split(text)[0].is_flag is is_flag
