from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmagic.panels.text import display_width, fit, folded, last_lines, plain_log, spread, table, wrapped


@pytest.mark.parametrize(
    ("log", "plain"),
    [
        ("\x1b[1m1/10\x1b[0m \x1b[32m━━\x1b[0m", "1/10 ━━"),
        ("a 1%\ra 50%\ra 100%\nend\r\n", "a 100%\nend\n"),
        ("12\b\b34\b5", "35"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x1b\\", "link"),
        ("a\tb\x00\x07\x9b", "a\tb"),
        ("\x1b[2Jcleared\x1bM", "cleared"),
    ],
)
def test_a_log_is_what_the_terminal_left(log, plain):
    assert plain_log(log) == plain


@given(st.text())
def test_no_control_character_is_left(text):
    assert not [c for c in plain_log(text) if ord(c) < 32 and c not in "\n\t"]
    assert "\n" not in fit(text, 20)


@given(st.text(), st.integers(1, 30))
def test_fitted_text_fits(text, width):
    assert display_width(fit(text, width)) <= width


def test_wide_characters_count_twice():
    assert (display_width("日本"), display_width("e\u0301")) == (4, 1)
    assert fit("日本語", 5) == "日本…"


def test_both_ends_of_a_line():
    assert spread("left", "right", 16) == "left       right"
    assert spread("a very long name", "5 s", 16) == "a very long… 5 s"


def test_last_lines():
    assert last_lines("a\nb\nc\n", 2) == "b\nc"


def test_a_table_gives_way_in_one_column():
    text = table(["A", "TEXT"], [["1", "x" * 90], ["22", "y"]], flexible=1, width=20)
    assert text.split("\n") == ["A   TEXT", f"1   {'x' * 15}…", "22  y"]


def test_a_table_of_numbers_ends_together():
    assert table(["A", "N"], [["x", "1.5"], ["y", "10.5"]], flexible=0, right={1}).split("\n") == [
        "A     N", "x   1.5", "y  10.5",
    ]  # fmt: skip


def test_parts_are_put_on_as_few_lines_as_hold_them():
    assert wrapped("A: ", ["one", "two", "three"], width=13) == ["A: one · two", "   three"]
    assert wrapped("A: ", ["x" * 20, "y"], width=13) == [f"A: {'x' * 9}…", "   y"]
    assert wrapped("A: ", []) == []


def test_a_sentence_is_folded_between_words():
    assert folded("a sentence of words", 12) == ["a sentence", "  of words"]
    assert folded("x" * 20, 12) == ["x" * 20]
    assert folded("") == [""]
