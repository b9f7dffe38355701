"""The pieces of a filter's text, and where in it an error is."""

from __future__ import annotations

import re

from mlmagic.errors import UsageError
from mlmagic.filters.tree import Value

_QUOTES = "\"'"
_RESERVED = ":=!<>~()"
_OPERATOR = re.compile(r"[:=!<>~]+")
_UNREADABLE = re.compile("[\0\ud800-\udfff]")
_SHOWN = 70
"""How much of the text is shown around an error."""


class Reader:
    """A position in a text that moves to the right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        if match := _UNREADABLE.search(text):
            raise self.error("this character cannot be searched for", at=match.start())

    def skip_space(self, also: str = "") -> int:
        """Move to what comes next, and return where that is."""
        while self._at < len(self._text) and (self._text[self._at].isspace() or self._text[self._at] in also):
            self._at += 1
        return self._at

    def at_end(self) -> bool:
        """Say whether nothing but space is left."""
        return self.skip_space() == len(self._text)

    def rest(self, at: int) -> str:
        """Return the text from a position on."""
        return self._text[at:]

    def sees(self, character: str) -> bool:
        """Say whether this character comes next."""
        return self._text.startswith(character, self.skip_space())

    def take(self, character: str) -> bool:
        """Move behind the character if it comes next, and say whether it did."""
        if not self.sees(character):
            return False
        self._at += len(character)
        return True

    def sees_word(self, word: str) -> bool:
        """Say whether this word comes next, and ends there."""
        end = self.skip_space() + len(word)
        after = self._text[end : end + 1]
        return self._text.startswith(word, self._at) and (not after or after.isspace() or after in "()")

    def take_word(self, word: str) -> None:
        """Move behind a word that was seen."""
        self._at += len(word)

    def operator(self) -> str | None:
        """Read as many characters of operators as there are; `a=-1` and `a:~b` show that no value begins with one."""
        match = _OPERATOR.match(self._text, self.skip_space())
        if match is None:
            return None
        self._at = match.end()
        return match[0]

    def key(self) -> str | None:
        """Read a key. What is odd in it may be quoted."""
        value = self.value(_RESERVED)
        return value.text if value else None

    def value(self, terminators: str) -> Value | None:
        """Read up to a space or one of the terminators, quotes and backslashes as gcloud reads them.

        Quotes may begin in the middle. A backslash makes a quote, or another backslash, a plain character; before
        anything else it is one itself, so that regular expressions need no second one.
        """
        start = self.skip_space()
        letters: list[str] = []
        quote, opened, is_quoted = "", start, False
        while self._at < len(self._text):
            letter, after = self._text[self._at], self._text[self._at + 1 : self._at + 2]
            if letter == "\\" and after and after in ("\\" + (quote or _QUOTES)):
                letters.append(after)
                self._at += 1
            elif quote:
                if letter == quote:
                    quote = ""
                else:
                    letters.append(letter)
            elif letter in _QUOTES:
                quote, opened, is_quoted = letter, self._at, True
            elif letter.isspace() or letter in terminators:
                break
            else:
                letters.append(letter)
            self._at += 1
        if quote:
            raise self.error(
                "this quote is never closed", f"Write {quote} where the text ends, or \\{quote} before.", at=opened
            )
        return Value("".join(letters), is_quoted) if letters or is_quoted else None

    def error(self, what: str, hint: str | None = None, *, at: int | None = None) -> UsageError:
        """Return the error that says what is wrong and where."""
        at = self._at if at is None else at
        first = max(0, at - _SHOWN // 2)
        shown = "".join(letter if letter.isprintable() else " " for letter in self._text[first : first + _SHOWN])
        begin = "…" if first else ""
        end = "…" if first + _SHOWN < len(self._text) else ""
        caret = " " * (len(begin) + at - first) + "^"
        return UsageError(f"the filter cannot be read: {what}.\n  {begin}{shown}{end}\n  {caret}", hint=hint)
