"""The words of a magic's line: split as a shell would, with a note of what was quoted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlmagic.errors import UsageError

_BLANK = " \t\r\n"
_BRACE_START = re.compile(r"--[A-Za-z][\w-]*=\Z")
_CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the line."""

    text: str
    """Without the quotes."""
    raw: str
    """As it was typed."""
    is_quoted: bool = False
    """Some of it is quoted or escaped, so it is taken as it is."""

    @property
    def is_flag(self) -> bool:
        """It has the form of a flag: `--wait`, `-f`; a negative number has not."""
        return not self.raw.startswith(("'", '"')) and re.match(r"--?[A-Za-z]", self.text) is not None

    def after(self, count: int) -> Word:
        """Return what follows the first characters, as a word of its own: the value in `--flag=value`."""
        return Word(self.text[count:], self.raw[count:], is_quoted=self.is_quoted)


def split(line: str) -> list[Word]:
    """Return the words of a line by the rules of `shlex.split`; before `--`, an unquoted `{…}` is one word.

    Raises:
        UsageError: a quote or a brace is not closed.
    """
    words: list[Word] = []
    position = 0
    is_program = False
    while True:
        while position < len(line) and line[position] in _BLANK:
            position += 1
        if position == len(line):
            return words
        word, position = _read_word(line, position, allow_braces=not is_program)
        words.append(word)
        is_program = is_program or word == Word("--", "--")


def _read_word(line: str, start: int, *, allow_braces: bool) -> tuple[Word, int]:
    text, position, is_quoted = "", start, False
    while position < len(line) and line[position] not in _BLANK:
        character = line[position]
        if character in "'\"":
            piece, position = _read_quoted(line, position)
            text, is_quoted = text + piece, True
        elif character == "\\":
            if position + 1 == len(line):
                raise UsageError("the line ends with a backslash, and no line follows.")
            text, position, is_quoted = text + line[position + 1], position + 2, True
        elif character == "{" and allow_braces and (not text or _BRACE_START.fullmatch(text)) and not is_quoted:
            end = _brace_end(line, position)
            text, position = text + line[position:end], end
        else:
            text, position = text + character, position + 1
    return Word(text, line[start:position], is_quoted=is_quoted), position


def _read_quoted(line: str, start: int) -> tuple[str, int]:
    quote, text, position = line[start], "", start + 1
    while position < len(line) and line[position] != quote:
        # As in a shell, a backslash between double quotes escapes only what it could not hold otherwise.
        if quote == '"' and line[position] == "\\" and line[position + 1 : position + 2] in ('"', "\\"):
            position += 1
        text, position = text + line[position], position + 1
    if position >= len(line):
        raise UsageError(f"the quote {line[start:][:30]} is not closed.")
    return text, position + 1


def _brace_end(line: str, start: int) -> int:
    """Return where the expression ends that begins with a brace; brackets and strings within it are Python's."""
    expected, position = [], start
    while position < len(line):
        character = line[position]
        if character in "'\"":
            _, position = _read_string(line, position)
            continue
        if character in _CLOSERS:
            expected.append(_CLOSERS[character])
        elif expected and character == expected[-1]:
            expected.pop()
            if not expected:
                return position + 1
        position += 1
    raise UsageError(f"the brace {line[start:][:30]} is not closed.", hint="Quote it to pass it as it is.")


def _read_string(line: str, start: int) -> tuple[str, int]:
    position = start + 1
    while position < len(line) and line[position] != line[start]:
        position += 2 if line[position] == "\\" else 1
    return line[start : position + 1], position + 1
