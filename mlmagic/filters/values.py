"""What values mean: which texts are numbers, what is a word, how the values of each kind of key are written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlmagic.filters.keys import Key, Kind
from mlmagic.filters.tree import Value
from mlmagic.spec.text import fold

# Exactly those that SQLite takes for numbers when it compares text with a number.
_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[ \t\n\v\f\r]*", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_FLAGS = {"1": "true", "0": "false"}
STATE_PREFIX = "JOB_STATE_"
_OLD_STATES = {"PREPARING": "PENDING"}
"""ML Engine's word, and ours."""


def number_of(text: str) -> int | float | None:
    """Return the number that a text is, or None."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    return int(match[1]) if _INTEGER.fullmatch(match[1]) else float(match[1])


def number_in(value: Value) -> str | None:
    """Return the text of a number that is not quoted, or None."""
    return None if value.is_quoted or number_of(value.text) is None else value.text.strip()


def spelled(key: Key, value: Value) -> str:
    """Return a value as the key's values are written, as far as it has a spelling of its own."""
    match key.kind:
        case Kind.FLAG:
            return _FLAGS.get(value.text, value.text)
        case Kind.CHOICE if key.name == "state":
            state = value.text.upper().removeprefix(STATE_PREFIX)
            return _OLD_STATES.get(state, state)
        case _:
            return value.text


@dataclass(frozen=True, slots=True)
class Word:
    """What `:` looks for: a whole word, or the beginning of one; words may hold what else the user typed."""

    text: str
    """Folded."""
    is_prefix: bool

    @property
    def pattern(self) -> str:
        """A regular expression for folded text."""
        return rf"\b{re.escape(self.text)}" + ("" if self.is_prefix else r"\b")

    @property
    def glob(self) -> str | None:
        """The same for SQLite's GLOB, for folded ASCII text between two hyphens; None if it has other letters."""
        if not self.text.isascii():
            return None
        body = re.sub(r"([\[?*])", r"[\1]", self.text)
        return f"*{_edge(self.text[0])}{body}{'' if self.is_prefix else _edge(self.text[-1])}*"


def _edge(letter: str) -> str:
    # Where a word begins or ends: one of its two letters belongs to a word and the other does not.
    return "[^a-z0-9_]" if letter.isalnum() or letter == "_" else "[a-z0-9_]"


def word_of(text: str) -> Word:
    """Read a pattern that has at most one `*`, at its end."""
    return Word(fold(text.removesuffix("*")), text.endswith("*"))
